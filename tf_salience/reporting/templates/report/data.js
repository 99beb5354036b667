// The data of the page: deflated JSON in base64, arrays of numbers in base64 within.

/** Reads the report that the page carries. */
export async function loadReport() {
  const packed = bytesOf(document.getElementById("data").textContent);
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const report = JSON.parse(await new Response(inflated).text(), revived);
  report.runs.forEach((run, index) => prepare(run, index));
  return report;
}

function revived(_, value) {
  if (value === null || typeof value !== "object") return value;
  if (typeof value.i32 === "string") return new Int32Array(bytesOf(value.i32).buffer);
  if (typeof value.f32 === "string") return new Float32Array(bytesOf(value.f32).buffer);
  return value;
}

function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

function prepare(run, index) {
  run.index = index;
  run.starts = new Int32Array(run.lengths.length + 1);
  run.lengths.forEach((length, example) => {
    run.starts[example + 1] = run.starts[example] + length;
  });
  // The word that each token begins; a token is a word where nothing else is known.
  run.wordStarts = run.spellings ?? run.tokens;
}

/** The target of a run, of those that it has: another run may have more. */
export function targetOf(run, target) {
  return run.targets[Math.min(target, run.targets.length - 1)] ?? null;
}

/** The name of a target for an example. */
export function targetName(target, example) {
  return target.names[target.name[example]] ?? "";
}

/** The name of a target for all examples; those of all, where they differ and are few. */
export function commonTargetName({ names }, number) {
  return names.length <= 3 ? names.join(" / ") : `target ${number + 1}, by example`;
}

/** The text of an example, or its tokens, joined. */
export function plainText(report, example) {
  const text = report.texts?.[example];
  if (text !== null && text !== undefined) return text;
  const run = report.runs[0];
  const tokens = Array.from(
    run.tokens.subarray(run.starts[example], run.starts[example + 1]),
    (id) => run.vocabulary[id],
  );
  const words = run.words?.subarray(run.starts[example], run.starts[example + 1]);
  return tokens
    .map((token, index) => token + (words && sameWord(words, index) ? "" : " "))
    .join("")
    .trimEnd();
}

/** Whether a token and the next are of one word. */
export function sameWord(words, index) {
  return words[index] >= 0 && words[index] === words[index + 1];
}

/** The name of a class, or null. */
export function className(report, index) {
  return index >= 0 ? (report.classes[index] ?? null) : null;
}

/** Whether the model of a run predicts another class than the label. */
export function isWrong(report, run, example) {
  const [label, prediction] = [report.labels?.[example], run.predictions?.[example]];
  return label >= 0 && prediction >= 0 && label !== prediction;
}
