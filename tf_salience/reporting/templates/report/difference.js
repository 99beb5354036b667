// What moved in one example between two runs.

import { targetOf } from "./data.js";
import { element, isolated } from "./dom.js";
import { markedText, scaleOf } from "./marked_text.js";
import { partsOf, scoresOfParts } from "./parts.js";

/** A card with the change of each part's share of all |salience|, over the first run's parts. */
export function differenceCard(report, state) {
  const [first, second] = [state.a, state.b].map((index) => report.runs[index]);
  if (!first?.targets.length || !second?.targets.length) return null;
  const text = report.texts?.[state.example] ?? null;
  const { layout, changes } = changesOf([first, second], state, state.example, text);
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
    markedText(layout, changes, {
      signed: true,
      largest: scaleOf(changes),
      numbers: state.numbers,
      label: "Difference of tokens",
    }),
  );
}

/** The change of the share of each part of the first run's text: the `layout` and the `changes`. */
export function changesOf(runs, { target, unit }, example, text, most) {
  const [before, after] = runs.map((run) => sharesOf(run, { example, target, unit, text, most }));
  const aligned = alignment(before.layout.parts, after.layout.parts);
  const changes = before.shares.map((share, index) => (after.shares[aligned[index]] ?? 0) - share);
  return { layout: before.layout, changes };
}

function sharesOf(run, { example, target, unit, text, most }) {
  const layout = partsOf(run, example, text, unit, most);
  const { scores } = targetOf(run, target);
  const row = scores.subarray(run.starts[example], run.starts[example + 1]);
  const sum = row.reduce((all, score) => all + Math.abs(score), 0) || 1;
  return { layout, shares: scoresOfParts(layout.parts, row).map((score) => score / sum) };
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
