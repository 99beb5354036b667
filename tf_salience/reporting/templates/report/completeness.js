// From F(baseline) to F(input): what speaks for, what against, and how near their sum comes.

import { element, svg } from "./dom.js";
import { count, number, percent, signedNumber } from "./numbers.js";

/** Draws the way of a target's output; where no baseline is known, or scores have no sign, the output alone. */
export function completeness(target, example, scores, isSigned) {
  const end = target.output[example];
  const start = isSigned ? (target.baseline_output?.[example] ?? NaN) : NaN;
  if (Number.isNaN(start)) {
    const output = element("b", {}, number(end));
    return element("p", { class: "facts" }, "F(input) ", output, ...facts(target, example));
  }
  const positive = scores.reduce((sum, score) => sum + Math.max(score, 0), 0);
  const negative = scores.reduce((sum, score) => sum + Math.min(score, 0), 0);
  return element(
    "div",
    { class: "completeness" },
    element(
      "div",
      { class: "ends" },
      element("span", {}, "F(baseline) ", element("b", {}, number(start))),
      element("span", {}, "F(input) ", element("b", {}, number(end))),
    ),
    way(start, positive, negative, end),
    element(
      "p",
      { class: "facts" },
      element("span", { class: "for" }, `for ${signedNumber(positive)}`),
      " · ",
      element("span", { class: "against" }, `against ${signedNumber(negative)}`),
      ...facts(target, example, end - start),
    ),
  );
}

function way(start, positive, negative, end) {
  const places = [start, start + positive, start + positive + negative, end];
  const [least, most] = [Math.min(...places), Math.max(...places)];
  const x = (place) => 2 + (96 * (place - least)) / (most - least || 1);
  const stretch = (kind, from, to, y) =>
    svg("rect", { class: kind, x: Math.min(from, to), y, width: Math.abs(to - from), height: 6 });
  const mark = (place) => svg("path", { class: "axis", d: `M${x(place)} 0V18` });
  return svg(
    "svg",
    { class: "bar way", viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" },
    stretch("for", x(start), x(start + positive), 2),
    stretch("against", x(start + positive), x(start + positive + negative), 10),
    mark(start),
    mark(end),
  );
}

function facts(target, example, difference) {
  const delta = target.delta?.[example] ?? NaN;
  const error = target.error?.[example] ?? NaN;
  const converged = target.converged?.[example];
  const evaluations = target.evaluations?.[example];
  const texts = [];
  if (!Number.isNaN(delta)) {
    const share = difference ? ` (${percent(Math.abs(delta / difference))})` : "";
    texts.push(`delta ${signedNumber(delta)}${share}`);
  }
  if (!Number.isNaN(error)) texts.push(`error estimate ${number(error)}`);
  if (evaluations > 0)
    texts.push(`${count(evaluations)} evaluation${evaluations === 1 ? "" : "s"}`);
  if (converged === 1) texts.push("converged");
  if (converged === 0) texts.push(element("strong", { class: "wrong" }, "not converged"));
  return texts.flatMap((text) => [" · ", text]);
}
