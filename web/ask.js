// How a file reaches a model: as it is, by upload and job when it is too large for that, or made smaller.

import { predict, predictByJob, Refused } from "./api.js";

const LOWEST_THRESHOLD = 0.05; // the slider shows less of what came, without asking again

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

export const isJob = (endpoint) => endpoint.kind === "async";

export function queryFor(model) {
  return model.task === "object-detection" ? { threshold: LOWEST_THRESHOLD } : { top_k: 5 };
}

// `on` is told what is done to the file (`does`), the upload's progress and each wait.
export async function ask(target, file, on) {
  const { model, endpoint } = target;
  const type = file.type || (file.name.endsWith(".json") ? "application/json" : "");
  const query = queryFor(model);
  const most = endpoint.max_body_bytes;
  if (isJob(endpoint)) return predictByJob(target, endpoint, file, type, query, on);
  if (file.size <= most) return predict(target, file, type, query, on);
  const large = model.endpoints.find((other) => isJob(other) && file.size <= other.max_body_bytes);
  if (large) {
    on.does(`The file has ${megabytes(file.size)}, more than the ${megabytes(most)} that ${endpoint.name} takes: it goes by upload, as a job for ${large.name}.`);
    return predictByJob(target, large, file, type, query, on);
  }
  if (!type.startsWith("image/")) throw new Refused(413, "PAYLOAD_TOO_LARGE", `The file has ${megabytes(file.size)}; ${endpoint.name} takes ${megabytes(most)}. Send a shorter or more compressed one.`);
  const made = await shrunk(file, most);
  on.does(`The picture was larger than ${megabytes(most)}, so this page made it smaller: ${made.from.join(" × ")} to ${made.to.join(" × ")} pixels.`);
  return predict(target, made.blob, made.blob.type, query, on);
}

function shrunk(file, mostBytes) {
  return new Promise((done, fail) => {
    const worker = new Worker("shrink.js");
    worker.onmessage = ({ data }) => {
      worker.terminate();
      if (data.blob) done(data);
      else fail(new Refused(422, "IMAGE_UNDECODABLE", "The picture is damaged, or of a kind that this browser cannot read, and is too large to be sent as it is."));
    };
    worker.postMessage({ file, mostBytes });
  });
}
