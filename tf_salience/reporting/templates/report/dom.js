// Elements and the text in them. Text is always a text node, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Creates an element; attributes that are functions listen, `null` and `false` leave one out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Creates an element of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Isolates text of the user: its direction is its own. */
export function isolated(text, attributes = {}) {
  return element("bdi", attributes, printable(text));
}

/** Shows and hides; returns the node. */
export function shown(node, isShown) {
  node.hidden = !isShown;
  return node;
}

// As `tf_salience.utils.text.printable`: control characters, directional controls, lone surrogates.
const UNPRINTABLE =
  /[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufffe\uffff]|\p{Surrogate}/gu;
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Replaces each unprintable character by an escape that can be seen. */
export function printable(text) {
  return text.replace(UNPRINTABLE, escaped);
}

/** As `printable`, but for line breaks and tabs, which stay. */
export function printableText(text) {
  return text.replace(UNPRINTABLE, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}

function escaped(character) {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return (
    SHORT[character] ?? (code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`)
  );
}
