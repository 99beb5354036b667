// What may become HTML: DataTables and jQuery write a few fixed strings, tags with a class at most.
// Text of the user never comes here; this page writes it by `textContent` alone.

const TAG = /^<\/?[a-z]+\d?(?: (?:class|role|scope|aria-[a-z]+|tabindex)="[^"<>&]*")* ?\/?>/;

export function isHarmless(html) {
  let rest = html;
  while (rest) {
    const start = rest.indexOf("<");
    if (start < 0) return true;
    const tag = TAG.exec(rest.slice(start));
    if (!tag || /^<\/?(?:script|style|iframe|object|embed|link|meta|base|svg|math)/.test(tag[0])) {
      return false;
    }
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
