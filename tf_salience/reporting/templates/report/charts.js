// Bars and tables with numbers beside them.

import { element, svg } from "./dom.js";

/** A bar from zero to a value, with a line from `low` to `high`; the axis reaches from `min` to `max`. */
export function bar(value, { min, max, low, high, kind }) {
  const x = (place) => (100 * (place - min)) / (max - min || 1);
  const [from, to] = [x(Math.min(value, 0)), x(Math.max(value, 0))];
  const width = value && Math.max(to - from, 0.4);
  const parts = [svg("rect", { class: kind, x: from, y: 3, width, height: 10 })];
  if (min < 0) parts.push(svg("path", { class: "axis", d: `M${x(0)} 0V16` }));
  if (low < high) parts.push(svg("path", { class: "interval", d: `M${x(low)} 8H${x(high)}` }));
  return svg(
    "svg",
    { class: "bar", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" },
    ...parts,
  );
}

/** A table of rows of cells; a cell is a node, text, or {node, class}. */
export function table(caption, heads, rows, attributes = {}) {
  return element(
    "table",
    attributes,
    element("caption", {}, caption),
    element(
      "thead",
      {},
      element("tr", {}, ...heads.map((head, index) => headCell(head, rows[0]?.[index]))),
    ),
    element(
      "tbody",
      {},
      ...rows.map(([first, ...others]) =>
        element("tr", {}, cell("th", first, "row"), ...others.map((value) => cell("td", value))),
      ),
    ),
  );
}

/** The head of a column stands as its cells do. */
function headCell(head, first) {
  const kind = first?.class?.startsWith("number") ? "number" : null;
  return head === "" ? element("td") : element("th", { scope: "col", class: kind }, head);
}

function cell(name, content, scope) {
  const isPlain = content === null || typeof content === "string" || content instanceof Node;
  const { node, class: kind } = isPlain ? { node: content } : content;
  return element(name, { scope, class: kind }, node ?? "");
}
