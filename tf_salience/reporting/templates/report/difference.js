// What moved in one example between two runs.

import { targetOf } from "./data.js";
import { element, isolated } from "./dom.js";
import { markedText, scaleOf } from "./marked_text.js";
import { partsOf, scoresOfParts } from "./parts.js";

/** A card with the change of each part's share of all |salience|, over the first run's parts. */
export function differenceCard(report, state) {
  const [first, second] = [state.a, state.b].map((index) => report.runs[index]);
  if (!first || !second) return null;
  const text = report.texts?.[state.example] ?? null;
  const [before, after] = [first, second].map((run) => sharesOf(run, state, text));
  const aligned = alignment(before.layout.parts, after.layout.parts);
  const changes = before.shares.map((share, index) => (after.shares[aligned[index]] ?? 0) - share);
  return element(
    "article",
    { class: "card" },
    element(
      "div",
      { class: "card-head" },
      element("h3", {}, "Difference"),
      element("span", { class: "quiet" }, isolated(second.name), " − ", isolated(first.name)),
    ),
    element("p", { class: "facts" }, "Change of each token’s share of all |salience|"),
    markedText(before.layout, changes, {
      signed: true,
      largest: scaleOf(changes),
      numbers: state.numbers,
      label: "Difference of tokens",
    }),
  );
}

function sharesOf(run, { example, target, unit }, text) {
  const layout = partsOf(run, example, text, unit);
  const { scores } = targetOf(run, target);
  const row = scoresOfParts(layout.parts, scores.subarray(run.starts[example]));
  const sum = row.reduce((all, score) => all + Math.abs(score), 0) || 1;
  return { layout, shares: row.map((score) => score / sum) };
}

/** The index of the second's part for each of the first's: the same place in the text, or the same word. */
function alignment(first, second) {
  const key = (part, number) =>
    part.place === undefined ? `${part.text} ${number}` : `@${part.place}`;
  const places = new Map(keyed(second, key).map((name, index) => [name, index]));
  return keyed(first, key).map((name) => places.get(name) ?? -1);
}

/** Keys of parts; equal words are numbered. */
function keyed(parts, key) {
  const seen = new Map();
  return parts.map((part) => {
    const number = seen.get(part.text) ?? 0;
    seen.set(part.text, number + 1);
    return key(part, number);
  });
}
