// Paper has no scroll bar: a list is printed from its first row on, as plain lines.

import { element } from "./dom.js";
import { count } from "./numbers.js";
import { readState } from "./state.js";

/** Lines that are printed. */
const MOST_LINES = 500;

/** Prints the list of the view that is seen as it stands, in its order, with its filters. */
export function printLists(views) {
  const lines = element("ol", { class: "printed" });
  addEventListener("beforeprint", () => {
    const { list, node } = views[readState().view] ?? {};
    if (!list) return;
    const order = list.examples();
    const rows = order.slice(0, MOST_LINES).map((example) => line(list, example));
    const more = order.length - rows.length;
    if (more > 0) rows.push(element("p", {}, `${count(more)} more examples are not printed.`));
    lines.replaceChildren(...rows);
    node.append(lines);
  });
  addEventListener("afterprint", () => lines.remove());
}

function line({ columns }, example) {
  const { show } = columns.find(({ name }) => name === "text");
  return element("li", { value: example + 1 }, show(example));
}
