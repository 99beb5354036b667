// The overview: how good the model is, how right the explanations are, which words matter.

import { bar, table } from "./charts.js";
import { levelClass } from "./colors.js";
import { element, isolated, printable } from "./dom.js";
import { count, number, percent, signedNumber } from "./numbers.js";
import { address } from "./state.js";

export class OverviewView {
  constructor(report) {
    this.report = report;
    this.node = document.getElementById("overview");
    this.holder = document.getElementById("charts");
  }

  show() {
    const { report } = this;
    this.holder.replaceChildren(
      element(
        "div",
        { class: "columns even" },
        ...accuracies(report).map((entry) => accuracyCard(report, entry)),
        ...report.convergence.map((entry) => convergence(report, entry)),
      ),
      ...words(report),
    );
  }
}

/** The accuracy of each model: runs that predict the same stand together, by `names`. */
function accuracies({ runs }) {
  const entries = new Map();
  runs.forEach(({ name, accuracy, predictions }, run) => {
    if (!accuracy) return;
    const key = predictions.join();
    if (!entries.has(key)) entries.set(key, { ...accuracy, run, names: [] });
    entries.get(key).names.push(name);
  });
  return [...entries.values()];
}

function accuracyCard(report, { value, correct, count: all, confusion, run, names }) {
  const ofRuns = names.length < report.runs.length ? `${names.map(printable).join(", ")}: ` : "";
  return element(
    "article",
    { class: "card" },
    element("h2", {}, "Accuracy"),
    element("p", { class: "big" }, percent(value)),
    element(
      "p",
      { class: "quiet" },
      `${ofRuns}${count(correct)} of ${count(all)} predictions are right.`,
    ),
    confusion ? confusionTable(report, confusion, run) : null,
  );
}

function confusionTable({ classes }, confusion, run) {
  const heads = ["Label", ...classes.map((name) => isolated(name)), "Right"];
  const rows = confusion.map((row, label) => {
    const sum = row.reduce((total, times) => total + times, 0);
    const cells = row.map((times, prediction) =>
      confusionCell(times, sum, { run, label, class: prediction }),
    );
    const right = percent((row[label] ?? 0) / sum);
    return [isolated(classes[label] ?? String(label)), ...cells, { node: right, class: "number" }];
  });
  return element(
    "div",
    { class: "scrolled", tabindex: "0", role: "region", "aria-label": "Confusion" },
    table("Labels by predictions", heads, rows, { class: "confusion" }),
  );
}

function confusionCell(times, sum, state) {
  const href = address({ ...FRESH, ...state });
  const node = times ? element("a", { href }, count(times)) : "0";
  const sign = state.label === state.class ? 1 : -1;
  const level = levelClass((sign * 0.7 * times) / (sum || 1), 1);
  return { node, class: `number ${level}` };
}

function convergence(report, { run, edges, counts, unconverged, tolerance }) {
  const most = Math.max(...counts, 1);
  const rows = counts.map((times, index) => [
    `${number(edges[index])} – ${number(edges[index + 1])}`,
    { node: bar(times, { min: 0, max: most, kind: "plain" }), class: "chart" },
    { node: count(times), class: "number" },
  ]);
  const href = address({ ...FRESH, run, unconverged: true, sort: "-error" });
  const all = report.size * report.runs[run].targets.length;
  const text = `${count(unconverged)} of ${count(all)} did not converge`;
  const bound = tolerance === null ? "" : ` to ${number(tolerance)}`;
  return element(
    "article",
    { class: "card" },
    element("h2", {}, "Convergence"),
    element("p", { class: "quiet" }, isolated(report.runs[run].name)),
    element("p", {}, unconverged ? element("a", { href }, text + bound) : `${text}${bound}.`),
    table("Error estimates", ["Error", "", "Count"], rows, { class: "chart-table" }),
  );
}

const FRESH = {
  view: "examples",
  q: "",
  word: "",
  class: -1,
  label: -1,
  wrong: false,
  unconverged: false,
  sort: "",
};

/** The words of each run: its classes side by side. */
function words(report) {
  return report.runs.flatMap((run, index) => {
    const entries = report.words.filter((entry) => entry.run === index && entry.rows.length);
    if (!entries.length) return [];
    const ends = entries.flatMap(({ rows }) => rows.flatMap((row) => row.slice(2)));
    const axis = { min: Math.min(0, ...ends), max: Math.max(0, ...ends) };
    return [
      element("h2", {}, "Words · ", isolated(run.name)),
      element(
        "p",
        { class: "quiet" },
        "Mean salience of a word, with its 95 % interval. A word opens the examples that hold it.",
      ),
      element(
        "div",
        { class: "columns even" },
        ...entries.map((entry) => wordTable(report, entry, axis)),
      ),
    ];
  });
}

function wordTable(report, { run, target, rows }, axis) {
  const { signed } = report.runs[run];
  const chosen = choiceOf(report, run, target);
  const lines = rows.map(([word, times, mean, low, high]) => {
    const kind = signed ? (mean < 0 ? "against" : "for") : "unsigned";
    const href = address({ ...FRESH, ...chosen, run, word, sort: "-salience" });
    return [
      element("a", { href }, isolated(word)),
      { node: count(times), class: "number" },
      { node: bar(mean, { ...axis, low, high, kind }), class: "chart" },
      { node: signedNumber(mean), class: "number" },
      { node: `${number(low)} to ${number(high)}`, class: "number interval" },
    ];
  });
  const heads = ["Word", "Count", "", "Mean", "95 %"];
  return element(
    "article",
    { class: "card" },
    table(isolated(target), heads, lines, {
      class: "chart-table",
      "aria-label": printable(target),
    }),
  );
}

/** The target of the list for a class; where the target is another one for each example, its class. */
function choiceOf({ runs, classes }, run, name) {
  const { targets } = runs[run];
  const index = targets.findIndex(({ names }) => names.includes(name));
  if (index < 0) return {};
  const isCommon = targets[index].names.length === 1;
  return { target: index, class: isCommon ? -1 : classes.indexOf(name) };
}
