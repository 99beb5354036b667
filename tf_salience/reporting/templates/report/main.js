// Shows the view of the address, whenever the address changes.

import { CompareView } from "./compare_view.js";
import { loadReport } from "./data.js";
import { shown } from "./dom.js";
import { ExampleView } from "./example_view.js";
import { ExamplesView } from "./examples_view.js";
import { hideHint } from "./hint.js";
import { OverviewView } from "./overview_view.js";
import { printLists } from "./printing.js";
import { address, readState } from "./state.js";
import { Toolbar } from "./toolbar.js";

const report = await loadReport();
const toolbar = new Toolbar(report);
const examples = new ExamplesView(report);
const views = {
  overview: new OverviewView(report),
  examples,
  example: new ExampleView(report, () => examples.examples()),
  compare: new CompareView(report),
};
const main = document.querySelector("main");
for (const view of Object.values(views)) if (!view.node.isConnected) main.append(view.node);

function show() {
  const read = readState();
  const state = { ...read, view: Object.hasOwn(views, read.view) ? read.view : "overview" };
  hideHint();
  toolbar.show(state);
  for (const [name, view] of Object.entries(views)) shown(view.node, name === state.view);
  for (const link of toolbar.links)
    link.href = address({ view: link.dataset.view, ...fresh(link) });
  // The list gives an example its neighbours.
  if (state.view === "example") examples.show(state);
  views[state.view].show(state);
  document.documentElement.dataset.shown = location.hash;
}

/** The columns of the comparison are others than those of the examples. */
function fresh(link) {
  return (link.dataset.view === "compare") === (readState().view === "compare") ? {} : { sort: "" };
}

printLists({ examples, compare: views.compare });
addEventListener("hashchange", show);
show();
