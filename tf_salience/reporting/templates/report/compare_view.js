// Two runs on the same texts: what moved most.

import { bar, table } from "./charts.js";
import { largestOf } from "./colors.js";
import { Comparison } from "./comparing.js";
import { plainText, targetOf } from "./data.js";
import { changesOf } from "./difference.js";
import { element, isolated, printable } from "./dom.js";
import { List } from "./list.js";
import { count, number, signedNumber } from "./numbers.js";
import { ROW_PARTS, rowText } from "./row_text.js";
import { address, go, replace } from "./state.js";

/** Words that are listed. */
const MOST_WORDS = 16;

export class CompareView {
  constructor(report) {
    this.report = report;
    this.key = "";
    this.node = element("section");
    this.first = runChoice(report, "Compare A", "a");
    this.second = runChoice(report, "with B", "b");
    this.choices = element("div", { class: "controls" }, this.first.node, this.second.node);
  }

  show(state) {
    this.state = state;
    this.first.select.value = state.a;
    this.second.select.value = state.b;
    const [first, second] = [state.a, state.b].map((index) => this.report.runs[index]);
    const hasScores = [first, second].every((run) => run && targetOf(run, state.target));
    if (!hasScores || first === second) {
      this.key = "";
      this.node.replaceChildren(this.choices, element("p", {}, "Choose two runs with scores."));
      return;
    }
    const key = [state.a, state.b, state.target, state.unit].join();
    if (key !== this.key) this.compare(first, second, state);
    this.key = key;
    this.list.update(state.sort || "-distance", false);
  }

  compare(first, second, { target }) {
    this.comparison = new Comparison(first, second, target);
    this.runs = [first, second];
    this.targets = [first, second].map((run) => targetOf(run, target));
    this.list = new List({
      label: "Examples by how much they moved",
      size: this.report.size,
      columns: this.columns(),
      passes: () => true,
      onSort: (sort) => sort !== (this.state.sort || "-distance") && replace({ sort }),
    });
    const { distance } = this.comparison;
    const mean = distance.reduce((sum, value) => sum + value, 0) / (distance.length || 1);
    this.node.replaceChildren(
      this.choices,
      element(
        "p",
        { class: "summary" },
        `Each text’s scores are divided by the sum of their sizes; the distance is the sum of the
         sizes of the changes, 0 to 2. Mean ${number(mean)}.`,
      ),
      element("div", { class: "columns" }, this.list.node, this.words()),
    );
  }

  columns() {
    const { distance } = this.comparison;
    const output = (side) => (example) => this.targets[side].output[example];
    const column = (name, title, kind, value) => ({
      name,
      title,
      kind,
      value,
      show: (example) => number(value(example)),
    });
    return [
      {
        name: "number",
        title: "#",
        kind: "number narrow",
        value: (example) => example + 1,
        show: (example) => String(example + 1),
      },
      {
        name: "text",
        title: "Text",
        kind: "text",
        value: (example) => plainText(this.report, example).toLowerCase(),
        show: (example) => this.link(example),
      },
      column("distance", "Distance", "number", (example) => distance[example]),
      column("first", "Output A", "number wide", output(0)),
      column("second", "Output B", "number wide", output(1)),
    ];
  }

  link(example) {
    const text = this.report.texts?.[example] ?? null;
    const { layout, changes } = changesOf(this.runs, this.state, example, text, ROW_PARTS);
    return rowText(layout.parts, changes, {
      href: address({ view: "example", example, difference: true }),
      signed: true,
      largest: largestOf(changes),
      isCut: changes.length === ROW_PARTS,
    });
  }

  words() {
    const least = this.report.size >= 50 ? 3 : 1;
    const moved = this.comparison.moved(least).slice(0, MOST_WORDS);
    const means = moved.map(([, { sum, count: times }]) => sum / times);
    const reach = Math.max(...means.map(Math.abs), 1e-12);
    const rows = moved.map(([word, { count: times }], index) => [
      element("a", { href: address({ view: "examples", word, sort: "" }) }, isolated(word)),
      { node: count(times), class: "number" },
      {
        node: bar(means[index], {
          min: -reach,
          max: reach,
          kind: means[index] < 0 ? "against" : "for",
        }),
        class: "chart",
      },
      { node: signedNumber(means[index]), class: "number" },
    ]);
    const heads = ["Word", "Count", "", "Mean change"];
    return element(
      "article",
      { class: "card" },
      table("Words that moved most, from A to B", heads, rows, { class: "chart-table" }),
    );
  }
}

function runChoice(report, title, name) {
  const select = element(
    "select",
    { change: (event) => go({ [name]: Number(event.target.value), sort: "" }) },
    ...report.runs.map((run, index) => element("option", { value: index }, printable(run.name))),
  );
  return { select, node: element("label", {}, `${title} `, select) };
}
