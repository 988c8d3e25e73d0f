/* What is already known of what is typed: asked while typing, but not in the middle of a word of an input method. */

import { closest } from "./dom.js";

function onTyped(event) {
  const field = closest(event, "input[id]");
  if (!field || event.isComposing) return;
  const place = document.querySelector('[data-known="' + CSS.escape(field.id) + '"]');
  if (place) place.dispatchEvent(new CustomEvent("typed"));
}

document.addEventListener("input", onTyped);
document.addEventListener("compositionend", onTyped);
