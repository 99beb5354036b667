// Paper has no scroll bar: the list is printed from its first row on, as plain lines.

import { plainText } from "./data.js";
import { element, isolated } from "./dom.js";
import { count } from "./numbers.js";
import { readState } from "./state.js";

/** Lines that are printed. */
const MOST_LINES = 500;

/** Prints the list as it stands, in its order, with its filters. */
export function printWith(view, report) {
  const lines = element("ol", { class: "printed" });
  addEventListener("beforeprint", () => {
    if (readState().view !== "examples") return;
    const order = view.examples();
    const rows = order
      .slice(0, MOST_LINES)
      .map((example) =>
        element("li", { value: example + 1 }, isolated(plainText(report, example))),
      );
    const more = order.length - rows.length;
    if (more > 0) rows.push(element("p", {}, `${count(more)} more examples are not printed.`));
    lines.replaceChildren(...rows);
    view.node.append(lines);
  });
  addEventListener("afterprint", () => lines.remove());
}
