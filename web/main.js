// The page: what is chosen, what is dropped, and an article for each file asked about.

import { models, Refused, setBase, shown as credentials } from "./api.js";
import { ask } from "./ask.js";
import { raw, seconds, shown, times } from "./answer.js";
import { openCamera } from "./camera.js";
import { setShows } from "./commands.js";
import { find, make, say } from "./elements.js";
import { signedIn, signIn } from "./sign-in.js";

const state = { models: [], samples: {}, target: null };

const title = (target) => `${target.model.name} · ${target.endpoint.name}`;
const kindOf = (type) => ({ "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "video/mp4": "MP4", "video/webm": "WebM", "application/json": "JSON" })[type] ?? type;
const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;
const worded = (code) => code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");

async function start() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) credentials.set(name, value);
  if (location.hash) history.replaceState(null, "", location.pathname); // not left where it can be read or shared
  const config = await fetch("config.json").then((answer) => answer.json()).catch(() => {
    throw new Refused(0, "UNREACHABLE", "The page cannot be reached any more. Is it still served, and is this machine online?");
  });
  setBase(config.api);
  state.samples = config.samples;
  state.shows = config.shows;
  setShows(config.shows);
  if (config.shows.includes("signature")) throw new Refused(0, "SIGNED_CALLS_ONLY", "This stage takes requests that are signed with AWS credentials, which a page must not have. Deploy it with -c auth=cognito.");
  state.signIn = config.sign_in;
  if (state.signIn) {
    find("enter").textContent = "Sign in again";
    find("enter").hidden = false;
    const token = await signedIn(state.signIn);
    if (token) credentials.set("token", token);
  }
  if (config.shows.every((name) => credentials.get(name))) await load();
  else askForKey();
}

const begin = () => start().catch(trouble);

async function load() {
  find("trouble").hidden = true;
  try {
    state.models = await models();
  } catch (error) {
    return trouble(error);
  }
  find("enter").hidden = false;
  const choices = state.models.map((model, at) => choice(model, at === 0));
  find("models").replaceChildren(...choices);
  return choose(state.models[0]);
}

function trouble(error, again = begin) {
  const section = find("trouble");
  const button = make("button", { type: "button", textContent: "Try again" });
  button.addEventListener("click", () => { section.hidden = true; again(); });
  section.replaceChildren(make("strong", { textContent: worded(error.code ?? "PAGE_FAILED") }), make("p", { textContent: error.message }), button);
  section.hidden = false;
  if (error.status === 401 || error.status === 403) askForKey();
}

function askForKey() {
  const missing = state.shows.find((name) => !credentials.get(name)) ?? state.shows[0];
  if (missing === "token" && state.signIn) return signInAgain();
  find("key").dataset.of = missing;
  find("key-name").textContent = missing === "key" ? "API key" : "Token";
  find("key-value").value = "";
  find("key").showModal();
}

// At once for whoever comes without a token. One that is no longer taken waits for a press, lest it go round and round.
function signInAgain() {
  if (!credentials.get("token")) signIn(state.signIn);
  else say("The sign-in is over. Press Sign in again.");
}

function choice(model, checked) {
  const input = make("input", { type: "radio", name: "model", value: model.name, checked });
  input.addEventListener("change", () => choose(model));
  return make("label", {}, input, make("div", {}, model.name, make("span", { textContent: model.description })));
}

function choose(model) {
  state.target = { model, endpoint: model.endpoints[0] };
  find("endpoint").replaceChildren(...model.endpoints.map((each) => make("option", { value: each.name, textContent: each.name === each.kind ? each.name : `${each.name} (${each.kind})` })));
  const others = state.models.filter((each) => each.task === model.task || sharesInput(each, model)).flatMap((each) => each.endpoints.map((endpoint) => ({ model: each, endpoint })));
  state.others = others;
  find("other").replaceChildren(make("option", { value: "", textContent: "nothing" }), ...others.map((each, at) => make("option", { value: at, textContent: title(each) })));
  find("notice").textContent = model.notice ?? "";
  find("notice").hidden = !model.notice;
  find("choose-file").accept = model.accepts.join(",");
  find("camera").hidden = !(model.accepts.includes("image/jpeg") && navigator.mediaDevices?.getUserMedia);
  find("picture-heading").textContent = model.accepts.some((type) => type.startsWith("image/")) ? "Picture" : "Clip";
  find("accepts").textContent = `${model.name} takes ${model.accepts.map(kindOf).join(", ")}.`;
  find("samples").replaceChildren(...(state.samples[model.name] ?? []).map(sampleButton));
  say(`${model.name} chosen.`);
}

const sharesInput = (one, other) => one.accepts.some((type) => type.startsWith("image/") && other.accepts.includes(type));

function sampleButton(sample) {
  const picture = sample.type.startsWith("image/") ? [make("img", { src: sample.url, alt: "", loading: "lazy" })] : [];
  const button = make("button", { type: "button" }, ...picture, `Try ${sample.name}`);
  button.addEventListener("click", async () => {
    try {
      const blob = await (await fetch(sample.url)).blob();
      askAbout([new File([blob], sample.name, { type: sample.type })]);
    } catch {
      trouble(new Refused(0, "UNREACHABLE", "The sample cannot be reached. Is this machine online?"), () => button.click());
    }
  });
  return make("li", {}, button);
}

function askAbout(files) {
  if (!state.target) return;
  const other = find("other").value === "" ? [] : [state.others[Number(find("other").value)]];
  for (const file of files) article(file, [state.target, ...other]);
}

function article(file, targets) {
  find("none").hidden = true;
  const lanes = targets.map((target) => lane(file, target));
  const heading = make("h3", { textContent: file.name });
  const made = make("article", { ariaLabel: file.name }, heading, make("div", { className: targets.length > 1 ? "" : "alone" }, ...lanes));
  find("answers").prepend(made);
}

function lane(file, target) {
  const figure = preview(file);
  const status = make("div", { className: "status" });
  const made = make("div", { className: "lane" }, make("strong", { textContent: title(target) }), figure, status);
  run(file, target, figure, status);
  return made;
}

function preview(file) {
  const src = URL.createObjectURL(file);
  const named = make("p", { className: "hint", textContent: `${file.name}, ${kilobytes(file.size)}` });
  const media = {
    image: () => make("img", { src, alt: `The picture ${file.name}`, decoding: "async" }),
    video: () => make("video", { src, controls: true, muted: true }),
  }[file.type.split("/")[0]]?.();
  if (!media) return make("figure", {}, named);
  media.addEventListener("error", () => {
    named.textContent += ", which this browser cannot show";
    media.replaceWith(named);
  });
  return make("figure", {}, media);
}

async function run(file, target, figure, status) {
  const bar = make("progress", { max: 1, value: 0, ariaLabel: "Upload" });
  const words = make("p", { className: "hint", textContent: "Sending …" });
  const notes = make("div", { className: "status" });
  status.replaceChildren(bar, words, notes);
  say(`Asking ${title(target)} about ${file.name}.`);
  const on = {
    uploaded: (part) => { if (part < 1) bar.value = part; else { bar.removeAttribute("value"); words.textContent = "Waiting for the model …"; } },
    waits: (why) => { bar.removeAttribute("value"); words.textContent = why; say(why); },
    does: (what) => notes.append(make("p", { className: "said", textContent: what })),
  };
  try {
    const answer = await ask(target, file, on);
    const { element, summary } = shown(target.model, answer.json, figure);
    status.replaceChildren(notes, element, times(answer), raw(answer.json, answer.command));
    say(`${target.model.name} says: ${summary}.`);
    remember(file, target, summary, seconds(answer.ms));
  } catch (error) {
    const told = error instanceof Refused ? error : new Refused(0, "PAGE_FAILED", "This page cannot show the answer. Reload it, and try again.");
    status.replaceChildren(notes, refused(told, () => run(file, target, figure, status)));
    say(`${worded(told.code)}. ${told.message}`);
    remember(file, target, told.code, "");
    if (told !== error) throw error; // for whoever looks into the console
  }
}

function refused(error, again) {
  const button = make("button", { type: "button", textContent: "Try again" });
  button.addEventListener("click", again);
  const id = error.requestId ? [make("p", { className: "hint", textContent: `Request ${error.requestId}` })] : [];
  if (error.status === 401 || error.status === 403) askForKey();
  return make("div", { className: "refused" }, make("strong", { textContent: worded(error.code) }), make("p", { textContent: error.message }), ...id, button);
}

function remember(file, target, answer, took) {
  const cells = [new Date().toLocaleTimeString(), file.name, title(target), answer, took];
  find("history").querySelector("tbody").prepend(make("tr", {}, ...cells.map((textContent) => make("td", { textContent }))));
  find("history").hidden = false;
}

function listen() {
  const drop = find("drop");
  find("choose-file").addEventListener("change", ({ target }) => { askAbout([...target.files]); target.value = ""; });
  find("endpoint").addEventListener("change", ({ target }) => {
    state.target = { ...state.target, endpoint: state.target.model.endpoints.find((each) => each.name === target.value) };
  });
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop") askAbout([...event.dataTransfer.files]);
    });
  }
  document.addEventListener("paste", (event) => askAbout([...event.clipboardData.files]));
  const camera = () => openCamera((file) => askAbout([file])).catch((error) => trouble(error, camera));
  find("camera").addEventListener("click", camera);
  find("enter").addEventListener("click", () => (state.signIn ? signIn(state.signIn) : askForKey()));
  find("key").addEventListener("close", () => {
    if (find("key").returnValue === "use" && find("key-value").value) {
      credentials.set(find("key").dataset.of, find("key-value").value);
      if (!state.models.length) load();
    }
  });
}

listen();
begin();
