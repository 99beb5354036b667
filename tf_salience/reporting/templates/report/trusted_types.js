// What may become HTML: DataTables and jQuery write a few fixed strings, tags with names and classes.
// Text of the user never comes here; this page writes it by `textContent` alone.

// A tag without an attribute that runs, loads or leads somewhere.
const TAG = /^<\/?[a-z]+\d?(?: (?!on|style|src|href|action|formaction)[a-z-]+="[^"<>]*")* ?\/?>/;
const ACTIVE = /^<\/?(?:script|style|iframe|object|embed|link|meta|base|svg|math)/;

export function isHarmless(html) {
  let rest = html;
  while (rest) {
    const start = rest.indexOf("<");
    if (start < 0) return true;
    const tag = TAG.exec(rest.slice(start));
    if (!tag || ACTIVE.test(tag[0])) return false;
    rest = rest.slice(start + tag[0].length);
  }
  return true;
}

globalThis.trustedTypes?.createPolicy("default", {
  createHTML(html) {
    if (!isHarmless(html)) throw new TypeError(`This page writes no such HTML: ${html}`);
    return html;
  },
});
