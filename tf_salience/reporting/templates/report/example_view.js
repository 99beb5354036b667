// One example: its runs side by side, the difference of two, targets x tokens.

import { completeness } from "./completeness.js";
import { className, isWrong, targetName, targetOf } from "./data.js";
import { differenceCard } from "./difference.js";
import { element, isolated } from "./dom.js";
import { markedText, scaleOf } from "./marked_text.js";
import { matrixCard } from "./matrix.js";
import { count } from "./numbers.js";
import { partsOf, scoresOfParts } from "./parts.js";
import { address } from "./state.js";

export class ExampleView {
  /** @param {function} order returns the examples in the order in which one goes through them. */
  constructor(report, order) {
    this.report = report;
    this.order = order;
    this.node = element("section", { class: "example" });
    document.addEventListener("keydown", (event) => this.step(event));
  }

  show(state) {
    this.state = state;
    const { report } = this;
    if (!(state.example >= 0 && state.example < report.size)) {
      this.node.replaceChildren(element("p", {}, "There is no such example."));
      return;
    }
    const way = this.node.contains(document.activeElement)
      ? document.activeElement.dataset.way
      : undefined;
    const drawn = report.runs.map((run) => this.draw(run));
    const largest = largestByMethod(drawn);
    this.node.replaceChildren(
      this.header(),
      element("div", { class: "cards" }, ...drawn.map((card) => this.card(card, largest))),
      ...(state.difference ? [differenceCard(report, state)] : []),
    );
    // Who goes from example to example stays on the button; who comes from a list reads on here.
    (this.node.querySelector(`a[data-way="${way}"]`) ?? this.node.querySelector("h2")).focus();
  }

  /** The parts of a run, and the scores of each of its targets. */
  draw(run) {
    const { example, unit } = this.state;
    const layout = partsOf(run, example, this.report.texts?.[example] ?? null, unit);
    const from = run.starts[example];
    const rows = run.targets.map(({ scores }) =>
      scoresOfParts(layout.parts, scores.subarray(from, run.starts[example + 1])),
    );
    return { run, layout, rows };
  }

  header() {
    const { report, state } = this;
    const order = this.order();
    const place = order.indexOf(state.example);
    const [before, after] = place < 0 ? [] : [order[place - 1], order[place + 1]];
    const number = place < 0 ? "" : ` (${count(place + 1)} of ${count(order.length)} in the list)`;
    return element(
      "div",
      { class: "example-head" },
      element("a", { class: "button", href: address({ view: "examples" }) }, "List"),
      neighbour("Previous", before),
      neighbour("Next", after),
      element("h2", { tabindex: "-1" }, `Example ${count(state.example + 1)}`),
      element("span", { class: "quiet" }, number),
      this.classes(),
    );
  }

  /** The label, and the prediction, where all runs have the same. */
  classes() {
    const { report, state } = this;
    const label = className(report, report.labels?.[state.example] ?? -1);
    return element(
      "span",
      { class: "classes" },
      label === null ? null : element("span", {}, "label ", isolated(label, { class: "chip" })),
      this.haveOnePrediction() ? this.prediction(report.runs[0]) : null,
    );
  }

  haveOnePrediction() {
    const { runs } = this.report;
    const { example } = this.state;
    return runs.every((run) => run.predictions?.[example] === runs[0].predictions?.[example]);
  }

  prediction(run) {
    const { example } = this.state;
    const name = className(this.report, run.predictions?.[example] ?? -1);
    if (name === null) return null;
    const wrong = isWrong(this.report, run, example);
    const chip = isolated(name, { class: wrong ? "chip wrong" : "chip" });
    return element("span", {}, "prediction ", chip, wrong ? " wrong" : "");
  }

  card({ run, layout, rows }, largest) {
    const { example, numbers } = this.state;
    const head = element("h3", {}, isolated(run.name));
    if (run.matrix?.[example]) return matrixCard(run, layout, this.state, head);
    const target = targetOf(run, this.state.target);
    if (!target) return element("article", { class: "card" }, head, "No scores");
    const scores = rows[run.targets.indexOf(target)];
    return element(
      "article",
      { class: "card" },
      element(
        "div",
        { class: "card-head" },
        head,
        this.haveOnePrediction() ? null : this.prediction(run),
        element("span", { class: "quiet" }, "target ", isolated(targetName(target, example))),
      ),
      completeness(target, example, scores, run.signed),
      markedText(layout, scores, {
        signed: run.signed,
        largest: largest.get(run.method),
        numbers,
        label: `Tokens of ${run.name}`,
      }),
    );
  }

  /** The arrow keys go to the example before and after, where nothing else has them. */
  step(event) {
    const isTaken = event.target.closest?.("input, select, textarea, .list, .marked");
    if (this.state?.view !== "example" || isTaken || event.altKey || event.ctrlKey || event.metaKey)
      return;
    const name = { ArrowLeft: "Previous", ArrowRight: "Next" }[event.key];
    this.node.querySelector(`a[data-way="${name}"]`)?.click();
  }
}

function neighbour(name, example) {
  return example === undefined
    ? element("span", { class: "button disabled", "aria-disabled": "true" }, name)
    : element(
        "a",
        { class: "button", "data-way": name, href: address({ view: "example", example }) },
        name,
      );
}

/** The strongest score of a method's runs and targets: they share a scale. */
function largestByMethod(drawn) {
  const largest = new Map();
  for (const { run, rows } of drawn)
    largest.set(run.method, scaleOf(...rows, [largest.get(run.method) ?? 0]));
  return largest;
}
