// The API of this stage: what is deployed, a prediction, and a job for what is too large for a prediction.

import { jobCommands, predictCommand } from "./commands.js";

const RETRIED = new Set(["MODEL_NOT_READY", "OVERLOADED", "THROTTLED"]);
const MOST_TRIES = 6;

export class Refused extends Error {
  constructor(status, code, message, requestId, waitS) {
    super(message);
    Object.assign(this, { status, code, requestId, waitS });
  }
}

// What a call shows, kept for this tab: `key` or `token`.
export const shown = {
  get: (name) => sessionStorage.getItem(`fovea-${name}`) ?? "",
  set: (name, value) => sessionStorage.setItem(`fovea-${name}`, value.trim()),
  headers: () => ({
    ...(shown.get("key") && { "x-api-key": shown.get("key") }),
    ...(shown.get("token") && { Authorization: `Bearer ${shown.get("token")}` }),
  }),
};

let base = "";
export const setBase = (url) => { base = url.replace(/\/$/, ""); };
export const address = (path) => `${base || location.origin}${path}`;

export async function models() {
  return (await call("GET", "/models")).json.models;
}

// -> { json, timings, ms, command }. `on` is told of the upload's progress (0 to 1) and of each wait.
export async function predict(target, file, type, query, on) {
  const asked = new URLSearchParams({ endpoint: target.endpoint.name, ...query });
  const path = `/models/${target.model.name}/predict?${asked}`;
  const answer = await patiently(() => call("POST", path, file, { "Content-Type": type }, on), on);
  return { ...answer, command: predictCommand(address(path), type, file.name ?? "picture.jpg") };
}

// The same by upload and job; the result is the container's, as predict's is.
export async function predictByJob(target, endpoint, file, type, query, on) {
  const model = `/models/${target.model.name}`;
  const asJson = { "Content-Type": "application/json" };
  const started = performance.now();
  const upload = (await call("POST", `${model}/uploads`, JSON.stringify({ content_type: type }), asJson)).json;
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append("file", file);
  await send("POST", upload.url, form, {}, on);
  const body = JSON.stringify({ upload_id: upload.upload_id, endpoint: endpoint.name, ...query });
  const headers = { ...asJson, "Idempotency-Key": crypto.randomUUID() };
  let job = (await patiently(() => call("POST", `${model}/jobs`, body, headers), on)).json;
  while (job.status === "pending") {
    on.waits?.("The job waits for its instance, which may have to start.");
    await pause(1);
    job = (await call("GET", `/jobs/${job.id}`)).json;
  }
  if (job.status === "expired") throw new Refused(0, "EXPIRED", "The job was not done in time. Try again.");
  if (job.status === "failed") throw new Refused(0, job.error.code, job.error.message);
  const json = job.result ?? (await send("GET", job.result_url)).json;
  return { json, timings: {}, ms: performance.now() - started, command: jobCommands(address(model), address("/jobs"), type, file.name) };
}

async function patiently(attempt, on) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!RETRIED.has(error.code) || tries === MOST_TRIES) throw error;
      on.waits?.(`${error.message} Trying again in ${error.waitS} s (${tries} of ${MOST_TRIES - 1}).`);
      await pause(error.waitS);
    }
  }
}

const pause = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

function call(verb, path, body, headers = {}, on = {}) {
  return send(verb, address(path), body, { ...headers, ...shown.headers() }, on);
}

// XMLHttpRequest, because fetch tells nothing of an upload's progress.
function send(verb, url, body, headers, on = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const started = performance.now();
    request.open(verb, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => on.uploaded?.(event.loaded / event.total);
    request.onerror = () => fail(new Refused(0, "UNREACHABLE", "The API cannot be reached. Is it running, and is this machine online?"));
    request.onload = () => {
      const ms = performance.now() - started;
      if (request.status >= 400) return fail(refusal(request));
      return done({ json: parsed(request.responseText), timings: timings(request), ms });
    };
    request.send(body ?? null);
  });
}

function refusal(request) {
  const error = parsed(request.responseText)?.error ?? {};
  const waitS = Number(request.getResponseHeader("Retry-After")) || 1;
  return new Refused(request.status, error.code ?? `HTTP_${request.status}`, error.message ?? "The request was refused.", error.request_id, waitS);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// `function;dur=31.2,sagemaker;dur=25.0,inference;dur=8` -> { function: 31.2, … }
function timings(request) {
  const found = {};
  const header = /^server-timing: (.*)$/im.exec(request.getAllResponseHeaders()); // asked for by name, S3 would not show it
  for (const part of (header?.[1] ?? "").split(",")) {
    const [name, duration] = part.trim().split(";dur=");
    if (duration) found[name] = Number(duration);
  }
  return found;
}
