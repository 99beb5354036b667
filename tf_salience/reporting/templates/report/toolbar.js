// What holds in all views: run, target, pieces or words, numbers, theme.

import { commonTargetName, targetName } from "./data.js";
import { element, printable, shown } from "./dom.js";
import { go } from "./state.js";

export class Toolbar {
  constructor(report) {
    this.report = report;
    this.links = [...document.querySelectorAll("nav a[data-view]")];
    this.run = choice("Run", "run", names(report.runs.map(({ name }) => name)));
    this.targets = mostTargets(report);
    this.target = choice("Target", "target", names(this.targets.map(commonTargetName)));
    this.unit = choice("Show", "unit", [
      ["words", "words"],
      ["pieces", "pieces"],
    ]);
    this.numbers = toggle("Numbers", (isOn) => go({ numbers: isOn }));
    this.theme = choice("Theme", "theme", [
      ["", "system"],
      ["light", "light"],
      ["dark", "dark"],
    ]);
    const { run, target, unit, numbers, theme } = this;
    document
      .getElementById("tools")
      .append(run.node, target.node, unit.node, numbers.node, theme.node);
  }

  show(state) {
    const { report } = this;
    const inText = state.view === "examples" || state.view === "example";
    document.documentElement.dataset.theme = state.theme;
    for (const name of ["run", "target", "unit", "theme"]) this[name].select.value = state[name];
    shown(this.run.node, report.runs.length > 1 && state.view === "examples");
    shown(this.target.node, this.targets.length > 1 && state.view !== "overview");
    this.nameTargets(state);
    shown(this.unit.node, report.runs.some(({ words }) => words) && inText);
    shown(this.numbers.node, state.view === "example");
    this.numbers.button.setAttribute("aria-pressed", String(state.numbers));
    for (const link of this.links) {
      const isHere = link.dataset.view === (state.view === "example" ? "examples" : state.view);
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /** An example's targets have names of their own. */
  nameTargets({ view, example }) {
    const isExample = view === "example" && example >= 0 && example < this.report.size;
    this.targets.forEach((target, number) => {
      const name = isExample ? targetName(target, example) : commonTargetName(target, number);
      this.target.select.options[number].textContent = printable(name);
    });
  }
}

/** The targets of the run that has most. */
function mostTargets({ runs }) {
  return runs.reduce((most, { targets }) => (targets.length > most.length ? targets : most), []);
}

function names(texts) {
  return texts.map((text, index) => [index, text]);
}

function choice(title, name, options) {
  const select = element(
    "select",
    {
      change: (event) => {
        const { value } = event.target;
        go({ [name]: /^\d+$/.test(value) ? Number(value) : value });
      },
    },
    ...options.map(([value, text]) => element("option", { value }, printable(text))),
  );
  return { select, node: element("label", {}, `${title} `, select) };
}

function toggle(title, onChange) {
  const button = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      click: () => onChange(button.getAttribute("aria-pressed") !== "true"),
    },
    title,
  );
  return { button, node: button };
}
