/* Dialogs and small clicks: the one <dialog> of the page opens with what htmx put into it. */

import { all, closest } from "./dom.js";
import { leaveMenus } from "./menus.js";

function onClick(event) {
  if (closest(event, "[data-print]")) window.print();
  if (closest(event, '[aria-disabled="true"]')) event.preventDefault();
  const dialog = closest(event, "dialog[open]");
  if (!dialog) return;
  if (event.target === dialog || closest(event, "[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
}

function onSwapped(event) {
  const dialog = document.getElementById("dialog");
  /* Going back, htmx swaps without naming a target. */
  if (!dialog || !event.detail.target || event.detail.target.id !== "dialog") return;
  if (!dialog.firstElementChild) {
    if (dialog.open) dialog.close();
    return;
  }
  if (!dialog.open) {
    leaveMenus();
    dialog.showModal();
  }
  const first = dialog.querySelector("[autofocus]");
  if (first) first.focus();
}

/* The page kept for "back" has no dialog on it. */
function closeAll() {
  all("dialog[open]").forEach((dialog) => {
    dialog.close();
    if (dialog.id === "dialog") dialog.replaceChildren();
  });
}

export function clearOnClose() {
  const dialog = document.getElementById("dialog");
  if (dialog) dialog.addEventListener("close", () => dialog.replaceChildren());
}

document.addEventListener("click", onClick);
document.addEventListener("htmx:afterSwap", onSwapped);
document.addEventListener("htmx:beforeHistorySave", closeAll);
