// A text whose parts have the colour of their score, a bar under them, and the number on request.

import { largestOf, levelClass } from "./colors.js";
import { element, isolated, printable, printableText } from "./dom.js";
import { hideHint, showHint } from "./hint.js";
import { signedNumber } from "./numbers.js";

const details = new WeakMap();

/**
 * Draws parts with scores.
 *
 * @param {object} layout `parts` and `tail`, of `partsOf`.
 * @param {number[]} scores one a part.
 * @param {object} options `signed`, `largest`, the score of the strongest colour, `numbers`, `label`.
 */
export function markedText({ parts, tail }, scores, options) {
  const box = element("div", {
    class: "marked",
    dir: "auto",
    role: "group",
    tabindex: "0",
    "aria-label": `${options.label}; the arrow keys go from token to token`,
    pointerover: (event) => point(box, markOf(event.target)),
    pointerleave: () => point(box, null),
    blur: () => point(box, null),
    keydown: (event) => step(box, event),
  });
  const marks = parts.map((part, index) => mark(part, scores[index], options));
  parts.forEach((part, index) => {
    if (part.gap) box.append(printableText(part.segment === null ? part.gap : part.gap.trimEnd()));
    if (part.segment !== null) box.append(isolated(part.segment, { class: "segment" }));
    box.append(marks[index]);
  });
  if (tail) box.append(printableText(tail));
  details.set(box, { parts, scores, marks, active: -1, options });
  return box;
}

/** The largest |score| of parts, for the scale that several texts share. */
export function scaleOf(...rows) {
  return Math.max(0, ...rows.map(largestOf));
}

/** Gives the parts of a drawn text other scores. */
export function recolor(box, scores, largest) {
  const detail = details.get(box);
  detail.scores = scores;
  detail.marks.forEach((node, index) => {
    node.className = classes(detail.parts[index], scores[index], { ...detail.options, largest });
    if (detail.options.numbers) node.dataset.number = signedNumber(scores[index]);
  });
}

function mark(part, score, options) {
  const node = document.createElement(part.isSpecial ? "bdi" : "span");
  node.className = classes(part, score, options);
  if (options.numbers) node.dataset.number = signedNumber(score);
  node.textContent = part.isSpecial ? printable(part.text) : printableText(part.text);
  return node;
}

function classes(part, score, { largest, signed }) {
  const level = levelClass(score, largest, signed);
  return `t ${level}${part.isSpecial ? " special" : ""}${part.isPiece ? " piece" : ""}`;
}

function markOf(node) {
  return node.closest?.(".t") ?? null;
}

function step(box, event) {
  const detail = details.get(box);
  const rightToLeft = getComputedStyle(box).direction === "rtl";
  const forward = rightToLeft ? "ArrowLeft" : "ArrowRight";
  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  const move = event.key.startsWith("Arrow") ? (event.key === forward ? 1 : -1) : moves[event.key];
  const next = Math.min(Math.max(detail.active + move, 0), detail.marks.length - 1);
  point(box, detail.marks[next] ?? null);
}

/** Shows the value of a mark; the others that stand for the same tokens light up, too. */
function point(box, node) {
  const detail = details.get(box);
  detail.marks[detail.active]?.classList.remove("active");
  detail.active = node ? detail.marks.indexOf(node) : -1;
  if (detail.active < 0) {
    hideHint();
    return;
  }
  node.classList.add("active");
  node.scrollIntoView?.({ block: "nearest" });
  const part = detail.parts[detail.active];
  const share = detail.scores[detail.active] / absoluteSum(detail.scores);
  const value = signedNumber(detail.scores[detail.active]);
  showHint(node, part.text, `${value} · ${(100 * share).toFixed(1)} % of all |salience|`);
}

function absoluteSum(scores) {
  return scores.reduce((sum, score) => sum + Math.abs(score), 0) || 1;
}
