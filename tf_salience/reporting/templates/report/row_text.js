// One line of a text in a list: a link, its first parts in the colours of their scores.

import { levelClass } from "./colors.js";
import { element, printable } from "./dom.js";

/** Parts of a text that a row has room for. */
export const ROW_PARTS = 60;

/**
 * Draws a line.
 *
 * @param {object[]} parts of `partsOf`, no more than `ROW_PARTS`.
 * @param {number[]} scores one a part.
 * @param {object} options `href`, `signed`, `largest`, `isCut`, where there are more parts.
 */
export function rowText(parts, scores, { href, signed, largest, isCut }) {
  const link = element("a", { class: "marked line", dir: "auto", href });
  parts.forEach((part, index) => {
    if (part.gap) link.append(printable(part.gap.replace(/\s+/g, " ")));
    const level = levelClass(scores[index] ?? 0, largest, signed);
    const kind = `t ${level}${part.isSpecial ? " special" : ""}`;
    link.append(element(part.isSpecial ? "bdi" : "span", { class: kind }, printable(part.text)));
  });
  if (isCut) link.append(" …");
  if (!parts.length) link.append("(empty)");
  return link;
}
