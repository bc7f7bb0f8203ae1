// An answer as people read it: ranked bars, boxes on the picture, or glosses in their order; and the times it took.

import { copyButton, make } from "./elements.js";

const FIRST_THRESHOLD = 0.5;
const COLD_MS = 400; // more than this beside the model's own time is a start

const percent = (score) => `${(score * 100).toFixed(1)} %`;
export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

// The same for both: { element, summary }; boxes are drawn into `figure`.
export function shown(model, json, figure) {
  if (json?.detections) return detections(json.detections, figure);
  if (json?.instances) return glosses(json.instances);
  if (json?.predictions) return ranked(json.predictions, model.meanings ?? {});
  return { element: make("p", { textContent: "The raw answer is below." }), summary: "an answer" };
}

function ranked(predictions, meanings) {
  const [best] = predictions;
  return {
    element: make("ol", { className: "ranked" }, ...predictions.map((each) => bar(each.label, each.score, meanings[each.label]))),
    summary: `${best.label}, ${percent(best.score)}`,
  };
}

function bar(label, score, meaning) {
  const length = make("i");
  length.style.width = `${score * 100}%`;
  const parts = [make("span", { textContent: label }), make("span", { textContent: percent(score) }), length];
  return make("li", {}, ...parts, ...(meaning ? [make("small", { textContent: meaning })] : []));
}

function glosses(instances) {
  const [best] = instances;
  const words = make("p", { className: "glosses", textContent: best.gloss });
  const list = make("ol", { className: "ranked" }, ...instances.map((each) => bar(each.gloss, each.score)));
  return { element: make("div", {}, words, list), summary: `${best.gloss}, ${percent(best.score)}` };
}

function detections(found, figure) {
  const output = make("output");
  const slider = make("input", { type: "range", min: 0.05, max: 1, step: 0.05, value: FIRST_THRESHOLD });
  const list = make("ol", { className: "ranked" });
  const layer = make("div");
  const kept = (threshold) => found.filter((each) => each.score >= threshold);
  figure.append(layer);
  const draw = () => {
    const seen = kept(Number(slider.value));
    layer.replaceChildren(...seen.map(box));
    list.replaceChildren(...seen.map((each) => bar(each.label, each.score)));
    output.textContent = `${seen.length} of ${found.length} above ${percent(Number(slider.value))}`;
  };
  slider.addEventListener("input", draw);
  draw();
  const label = make("label", { className: "threshold" }, "Threshold ", slider);
  return { element: make("div", { className: "status" }, label, output, list), summary: kept(FIRST_THRESHOLD).map((each) => each.label).join(", ") || "nothing found" };
}

function box({ label, score, box: [x0, y0, x1, y1] }) {
  const places = `box${y0 < 0.06 ? " low" : ""}${x0 > 0.6 ? " far" : ""}`; // its label stays inside the picture
  const frame = make("div", { className: places }, make("b", { textContent: `${label} ${percent(score)}` }));
  Object.assign(frame.style, {
    left: `${x0 * 100}%`, top: `${y0 * 100}%`, width: `${(x1 - x0) * 100}%`, height: `${(y1 - y0) * 100}%`,
  });
  return frame;
}

// Round trip, the model's own part, and a cold start where there was one.
export function times({ ms, timings }) {
  const model = (timings.decode ?? 0) + (timings.inference ?? 0) + (timings.encode ?? 0);
  const service = timings.sagemaker ?? timings.lambda ?? 0;
  const list = make("dl", { className: "times" }, pair("Round trip", seconds(ms)));
  if (model) list.append(pair("Model", seconds(model)), pair("of which inference", seconds(timings.inference)));
  if (service - model > COLD_MS) {
    const cold = pair("Cold start, about", seconds(service - model));
    cold.className = "cold";
    list.append(cold);
  }
  return list;
}

function pair(name, value) {
  return make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }));
}

export function raw(json, command) {
  const text = JSON.stringify(json, null, 1);
  return make("details", {}, make("summary", { textContent: "Raw answer and curl" }),
    make("div", {}, make("pre", { textContent: text, tabIndex: 0 }), copyButton("the answer", text),
      make("pre", { textContent: command, tabIndex: 0 }), copyButton("the command", command)));
}
