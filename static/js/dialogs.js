/* Dialogs and small clicks: the one <dialog> of the page opens with what htmx put into it. */

import { all, closest } from "./dom.js";
import { UNSAVED, isDirty } from "./forms.js";
import { leaveMenus } from "./menus.js";

function onClick(event) {
  if (closest(event, "[data-print]")) window.print();
  if (closest(event, '[aria-disabled="true"]')) event.preventDefault();
  const dialog = closest(event, "dialog[open]");
  if (!dialog) return;
  if ((event.target === dialog && !dialog.querySelector("form[data-guard]")) || closest(event, "[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
}

/* A stray Esc does not throw away what was typed. */
function onCancel(event) {
  const form = event.target.querySelector("form[data-guard]");
  if (form && isDirty(form) && !window.confirm(UNSAVED + "，确定关闭？")) event.preventDefault();
}

function onSwapped(event) {
  const dialog = document.getElementById("dialog");
  /* Going back, htmx swaps without naming a target. */
  if (!dialog || !event.detail.target) return;
  if (event.detail.target.id !== "dialog") {
    const sent = event.detail.requestConfig && event.detail.requestConfig.elt;
    /* What a form of the dialog changed on the page behind it, it is done with; a hint inside it is not the end. */
    if (sent && dialog.contains(sent) && !dialog.contains(event.detail.target)) dialog.close();
    return;
  }
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
  if (!dialog) return;
  dialog.addEventListener("cancel", onCancel);
  dialog.addEventListener("close", () => dialog.replaceChildren());
}

document.addEventListener("click", onClick);
document.addEventListener("htmx:afterSwap", onSwapped);
document.addEventListener("htmx:beforeHistorySave", closeAll);
