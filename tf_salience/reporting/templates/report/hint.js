// The hint beside what the pointer or the keyboard is on; screen readers are told, too.

import { isolated } from "./dom.js";

const hint = document.getElementById("hint");

export function showHint(node, name, value) {
  hint.replaceChildren(isolated(name, { class: "name" }), ` ${value}`);
  hint.hidden = false;
  const place = node.getClientRects()[0] ?? node.getBoundingClientRect();
  const left = Math.min(place.left, innerWidth - hint.offsetWidth - 8);
  const above = place.top - hint.offsetHeight - 6;
  hint.style.left = `${Math.max(left, 8)}px`;
  hint.style.top = `${above > 8 ? above : place.bottom + 6}px`;
}

export function hideHint() {
  hint.hidden = true;
}

addEventListener("wheel", hideHint, { passive: true });
addEventListener("keydown", (event) => event.key === "Escape" && hideHint());
