/* Menus and drawer are <details>: Esc and a click outside close them, and a menu stays inside the window. */

import { all } from "./dom.js";

const FLOATING = "details.dd[open], details.drawer[open], details.further[open]";

function onEscape(event) {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  all(FLOATING).forEach((details) => {
    details.open = false;
    details.querySelector("summary").focus();
  });
}

/* On a phone the panel of further filters shows those before it, too: their form is one place. */
function closeOthers(event) {
  all(FLOATING).forEach((details) => {
    const place = details.matches(".further") ? details.parentElement : details;
    if (!place.contains(event.target)) details.open = false;
  });
}

/* A menu inside a scrolling table floats in the window, below its button or above it when there is no room. */
function placeInWindow(menu, button) {
  const at = button.getBoundingClientRect();
  /* Measured where nothing narrows it: beside the right edge it would wrap, and grow again when moved. */
  menu.style.left = "8px";
  const size = menu.getBoundingClientRect();
  const below = at.bottom + 4;
  const left = Math.min(at.right, window.innerWidth - 8) - size.width;
  const fits = below + size.height <= window.innerHeight - 8;
  menu.style.left = Math.max(8, left) + "px";
  menu.style.top = Math.max(8, fits ? below : at.top - 4 - size.height) + "px";
}

function onToggle(event) {
  const details = event.target;
  if (!(details instanceof HTMLDetailsElement) || !details.open || !details.matches(".dd")) return;
  const menu = details.querySelector(".menu");
  if (!menu) return;
  menu.classList.remove("to-right");
  if (details.closest(".tw")) placeInWindow(menu, details.querySelector("summary"));
  else if (menu.getBoundingClientRect().left < 8) menu.classList.add("to-right");
}

/* A floating menu follows its row, and goes when the row leaves the window. */
function followRows() {
  all(".tw details.dd[open]").forEach((details) => {
    const button = details.querySelector("summary");
    const at = button.getBoundingClientRect();
    const seen = at.bottom > 0 && at.top < window.innerHeight;
    const menu = details.querySelector(".menu");
    if (seen && menu) placeInWindow(menu, button);
    else details.open = false;
  });
}

/* Close the menus before a dialog opens: focus goes back to the opener, so it must not sit in one that has folded. */
export function leaveMenus() {
  all("details.dd[open]").forEach((details) => {
    const held = details.contains(document.activeElement);
    details.open = false;
    if (held) details.querySelector("summary").focus();
  });
}

/* The page kept for "back" has nothing floating on it. */
function closeAll() {
  all(FLOATING).forEach((details) => {
    details.open = false;
  });
}

document.addEventListener("keydown", onEscape);
document.addEventListener("click", closeOthers);
document.addEventListener("toggle", onToggle, true);
document.addEventListener("scroll", followRows, { capture: true, passive: true });
window.addEventListener("resize", followRows);
document.addEventListener("htmx:beforeHistorySave", closeAll);
