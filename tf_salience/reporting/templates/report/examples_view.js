// The list of examples: searched, filtered, sorted.

import { largestOf } from "./colors.js";
import { className, isWrong, plainText, targetOf } from "./data.js";
import { element, isolated, printable, shown } from "./dom.js";
import { List } from "./list.js";
import { count, number, signedNumber } from "./numbers.js";
import { partsOf, scoresOfParts } from "./parts.js";
import { ROW_PARTS, rowText } from "./row_text.js";
import { address, go, readState, replace } from "./state.js";
import { wordSalience } from "./words.js";

export class ExamplesView {
  constructor(report) {
    this.report = report;
    this.lowered = null;
    this.state = null;
    this.salience = null;
    this.list = null;
    this.controls = controls(report);
    this.summary = element("p", { class: "summary", role: "status" });
    this.holder = element("div");
    this.node = element("section", {}, this.controls.node, this.summary, this.holder);
  }

  /** Shows the list of a state. */
  show(state) {
    const before = this.state;
    this.state = state;
    this.controls.show(state);
    const columns = ["run", "target", "word", "unit"];
    const isOther = columns.some((name) => before?.[name] !== state[name]);
    if (isOther) this.prepare(state);
    this.terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    if (this.terms.length && !this.lowered) this.lower();
    if (this.list === null || Boolean(before?.word) !== Boolean(state.word)) this.makeList();
    this.list.update(state.sort, isOther);
    if (before?.view === "example" && state.view !== "example") this.list.reveal(before.example);
    this.summary.textContent = this.counted();
  }

  /** The examples that pass the filters, in the order of the list. */
  examples() {
    return this.list.examples();
  }

  prepare({ run, target, word }) {
    this.run = this.report.runs[run] ?? this.report.runs[0];
    this.target = targetOf(this.run, target);
    this.salience = word ? wordSalience(this.run, this.target, word) : null;
  }

  lower() {
    const { size } = this.report;
    this.lowered = Array.from({ length: size }, (_, example) =>
      plainText(this.report, example).toLowerCase(),
    );
  }

  makeList() {
    this.list = new List({
      label: "Examples",
      size: this.report.size,
      columns: this.columns(),
      passes: (example) => this.passes(example),
      onSort: (sort) => sort !== this.state.sort && replace({ sort }),
    });
    this.holder.replaceChildren(this.list.node);
  }

  passes(example) {
    const { wrong, unconverged, class: prediction, label } = this.state;
    const { run } = this;
    if (wrong && !isWrong(this.report, run, example)) return false;
    if (unconverged && !run.targets.some((target) => target.converged?.[example] === 0))
      return false;
    if (prediction >= 0 && run.predictions?.[example] !== prediction) return false;
    if (label >= 0 && this.report.labels?.[example] !== label) return false;
    if (this.salience && Number.isNaN(this.salience[example])) return false;
    return this.terms.every((term) => this.lowered[example].includes(term));
  }

  counted() {
    const passing = this.list.table.page.info().recordsDisplay;
    const { size } = this.report;
    const all = `${count(size)} example${size === 1 ? "" : "s"}`;
    return passing === size ? all : `${count(passing)} of ${all}`;
  }

  columns() {
    const { report } = this;
    const has = (name) => report.runs.some((run) => run.targets.some((target) => target[name]));
    const columns = [
      this.column("number", "#", "number narrow", (example) => example + 1, String),
      {
        name: "text",
        title: "Text",
        kind: "text",
        value: (example) => plainText(report, example).toLowerCase(),
        show: (example) => this.link(example),
      },
    ];
    if (report.labels) columns.push(this.classColumn("label", "Label", (e) => report.labels[e]));
    if (report.predictions)
      columns.push(this.classColumn("prediction", "Prediction", (e) => this.run.predictions?.[e]));
    columns.push(this.column("output", "Output", "number", (e) => this.target?.output[e], number));
    if (has("error"))
      columns.push(
        this.column("error", "Error", "number wide", (e) => this.target?.error?.[e], number),
      );
    if (this.state.word)
      columns.push(
        this.column("salience", "Word", "number", (e) => this.salience[e], signedNumber),
      );
    columns.push(
      this.column("length", "Tokens", "number narrow wide", (e) => this.run.lengths[e], count),
    );
    return columns;
  }

  column(name, title, kind, value, text) {
    return { name, title, kind, value, show: (example) => text(value(example)) };
  }

  classColumn(name, title, classOf) {
    const nameOf = (example) => className(this.report, classOf(example)) ?? "";
    const isMarked = (example) => name === "prediction" && isWrong(this.report, this.run, example);
    return {
      name,
      title,
      kind: "class wide",
      value: nameOf,
      show: (example) =>
        isolated(nameOf(example) || "–", { class: isMarked(example) ? "wrong" : null }),
    };
  }

  link(example) {
    const { run, target } = this;
    const text = this.report.texts?.[example] ?? null;
    const { parts } = partsOf(run, example, text, this.state.unit, ROW_PARTS);
    const scores = target?.scores.subarray(run.starts[example], run.starts[example + 1]) ?? [];
    return rowText(parts, scoresOfParts(parts, scores), {
      href: address({ view: "example", example, difference: false }),
      signed: run.signed,
      largest: largestOf(scores),
      isCut: parts.length === ROW_PARTS,
    });
  }
}

/** The search, the filters and what is chosen. */
function controls(report) {
  const search = element("input", {
    type: "search",
    placeholder: "Search the texts",
    "aria-label": "Search the texts",
    autocomplete: "off",
    spellcheck: "false",
    input: (event) => replace({ q: event.target.value }),
  });
  const word = element("input", {
    type: "search",
    placeholder: "Word",
    "aria-label": "Examples with the word",
    autocomplete: "off",
    spellcheck: "false",
    change: (event) => go({ word: event.target.value, ...unsorted() }),
    search: (event) => event.target.value === "" && go({ word: "", ...unsorted() }),
  });
  const prediction = classChoice(report, "Prediction", "class", report.predictions);
  const label = classChoice(report, "Label", "label", report.labels);
  const wrong = box("Wrong predictions", "wrong");
  const unconverged = box("Unconverged", "unconverged");
  const clear = element("button", { type: "button", click: () => go(CLEARED) }, "Clear");
  const hasLabels = report.labels && report.predictions;
  const hasConverged = report.runs.some((run) => run.targets.some((target) => target.converged));
  return {
    node: element(
      "form",
      { class: "controls", role: "search", submit: (event) => event.preventDefault() },
      search,
      word,
      prediction.node,
      label.node,
      shown(wrong.node, hasLabels),
      shown(unconverged.node, hasConverged),
      clear,
    ),
    show(state) {
      if (search.value !== state.q) search.value = state.q;
      word.value = state.word;
      prediction.select.value = state.class;
      label.select.value = state.label;
      wrong.input.checked = state.wrong;
      unconverged.input.checked = state.unconverged;
      clear.disabled = Object.entries(CLEARED).every(([name, value]) => state[name] === value);
    },
  };
}

const CLEARED = { q: "", word: "", class: -1, label: -1, wrong: false, unconverged: false };

/** The column of a word's salience goes with the word. */
function unsorted() {
  return readState().sort.endsWith("salience") ? { sort: "" } : {};
}

function classChoice(report, title, name, values) {
  const select = element(
    "select",
    { "aria-label": title, change: (event) => go({ [name]: Number(event.target.value) }) },
    element("option", { value: -1 }, `${title}: any`),
    ...report.classes.map((text, index) =>
      element("option", { value: index }, `${title}: ${printable(text)}`),
    ),
  );
  return { select, node: shown(select, Boolean(values) && report.classes.length > 0) };
}

function box(title, name) {
  const input = element("input", {
    type: "checkbox",
    change: (event) => go({ [name]: event.target.checked }),
  });
  return { input, node: element("label", { class: "box" }, input, title) };
}
