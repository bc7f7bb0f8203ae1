// What somebody types to ask the same without this page.

const SHOWS = { key: '-H "x-api-key: $KEY"', token: '-H "Authorization: Bearer $TOKEN"' };

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const shows = { words: "" };
export const setShows = (names) => { shows.words = names.map((name) => SHOWS[name]).join(" "); };

export function predictCommand(url, type, name) {
  return `curl ${shows.words} -H ${quoted(`Content-Type: ${type}`)} --data-binary ${quoted(`@${name}`)} ${quoted(url)}`;
}

// The three calls of docs/jobs.md, and the fourth that asks what has become of it; they need jq.
export function jobCommands(model, job, type, name) {
  return [
    `UPLOAD=$(curl -s -X POST ${shows.words} ${quoted(`${model}/uploads?content_type=${type}`)})`,
    `curl -s $(jq -r '.fields | to_entries[] | "-F \\(.key)=\\(.value)"' <<<"$UPLOAD") -F ${quoted(`file=@${name}`)} "$(jq -r .url <<<"$UPLOAD")"`,
    `JOB=$(jq '{upload_id}' <<<"$UPLOAD" | curl -s --data @- ${shows.words} -H 'Content-Type: application/json' ${quoted(`${model}/jobs`)})`,
    `curl -s ${shows.words} "${job}/$(jq -r .id <<<"$JOB")"`,
  ].join("\n");
}
