// Targets x tokens: an output token is pointed at, and the input tokens it comes from light up.

import { largestOf, levelClass } from "./colors.js";
import { element, isolated } from "./dom.js";
import { markedText, recolor } from "./marked_text.js";
import { number, signedNumber } from "./numbers.js";
import { scoresOfParts } from "./parts.js";
import { table } from "./charts.js";

/** Cells that a table of all scores may have. */
const MOST_CELLS = 4000;

export function matrixCard(run, layout, state, head) {
  const matrix = run.matrix[state.example];
  const length = run.lengths[state.example];
  const rows = matrix.targets.map((_, index) =>
    scoresOfParts(layout.parts, matrix.scores.subarray(index * length, (index + 1) * length)),
  );
  const largest = largestOf(matrix.scores);
  const options = { signed: run.signed, largest, numbers: state.numbers, label: "Input tokens" };
  const input = markedText(layout, rows[0] ?? [], options);
  const fact = element("p", { class: "facts", role: "status" });
  let pinned = 0;
  const light = (index) => {
    outputs.forEach((button, other) => button.classList.toggle("lit", other === index));
    recolor(input, rows[index], largest);
    markPlace(input, layout.parts, matrix.target_tokens?.[index]);
    fact.replaceChildren(
      "Input tokens for ",
      isolated(matrix.targets[index], { class: "name" }),
      ` · output ${number(matrix.output?.[index])}`,
    );
  };
  const outputs = matrix.targets.map((name, index) =>
    element(
      "button",
      {
        type: "button",
        class: "output",
        "aria-pressed": String(index === 0),
        pointerenter: () => light(index),
        focus: () => light(index),
        click: () => {
          pinned = index;
          outputs.forEach((button, other) =>
            button.setAttribute("aria-pressed", String(other === index)),
          );
        },
      },
      isolated(name),
    ),
  );
  if (outputs.length) light(0);
  return element(
    "article",
    { class: "card wide" },
    element("div", { class: "card-head" }, head),
    element("h4", {}, "Output tokens"),
    element(
      "div",
      { class: "outputs", dir: "auto", pointerleave: () => outputs.length && light(pinned) },
      ...outputs,
    ),
    fact,
    input,
    allScores(matrix, layout.parts, rows, run, state.numbers),
  );
}

/** Marks the input token that stands where the output token is. */
function markPlace(input, parts, place) {
  const marks = input.querySelectorAll(".t");
  parts.forEach(({ start, stop }, index) =>
    marks[index].classList.toggle("place", start <= place && place < stop),
  );
}

function allScores(matrix, parts, rows, run, numbers) {
  if (rows.length * parts.length > MOST_CELLS) return null;
  const largest = Math.max(0, ...rows.map(largestOf));
  const heads = ["", ...parts.map((part) => isolated(part.text))];
  const lines = rows.map((row, index) => [
    isolated(matrix.targets[index]),
    ...row.map((score) => ({
      node: element("span", { title: signedNumber(score) }, numbers ? signedNumber(score) : " "),
      class: levelClass(score, largest, run.signed) || null,
    })),
  ]);
  return element(
    "details",
    {},
    element("summary", {}, "All scores: targets × tokens"),
    element(
      "div",
      { class: "scrolled", tabindex: "0", role: "region", "aria-label": "Targets and tokens" },
      table("Salience of each input token for each output token", heads, lines, {
        class: "matrix",
      }),
    ),
  );
}
