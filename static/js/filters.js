/* The filters of a list: what is changed in the line is sent by itself, and stays under the hands while rows come. */

import { all, closest } from "./dom.js";
import { asker } from "./requests.js";

const WAIT = 400;
const LINE = "form[data-filters]";
let timer = 0;

/* What stands in the panel 更多筛选 is sent by its button; a search among options is not a condition. */
function lineOf(event) {
  const field = closest(event, LINE + " [name]");
  return field && !field.closest(".further") ? field.form : null;
}

function send(form) {
  if (form.isConnected) form.requestSubmit();
}

function onInput(event) {
  const form = lineOf(event);
  window.clearTimeout(timer);
  if (form && !event.isComposing) timer = window.setTimeout(send, WAIT, form);
}

function onSubmit(event) {
  if (closest(event, LINE)) window.clearTimeout(timer);
}

/* What was changed while the answer was under way is newer than the answer: it goes out next. */
function words(form) {
  return new URLSearchParams(new FormData(form)).toString();
}

let sent = "";

function onRequest(event) {
  const form = asker(event).closest(LINE);
  sent = form ? words(form) : "";
}

/* Conditions that say nothing stay out of the address. */
function onConfigure(event) {
  const form = event.detail.elt.closest(LINE);
  if (!form) return;
  const values = event.detail.formData;
  Array.from(new Set(values.keys())).forEach((name) => {
    const said = values.getAll(name).filter((value) => value !== "");
    values.delete(name);
    said.forEach((value) => values.append(name, value));
  });
}

/* Which menus were open in the line, and what had the focus in them: ticking several is one visit. */
let open = [];
let held = "";

function onBeforeSwap(event) {
  const form = asker(event).closest(LINE);
  open = [];
  if (!form || event.detail.target.id !== "list") return;
  if (form.isConnected && words(form) !== sent) {
    event.detail.shouldSwap = false;
    return;
  }
  if (!document.activeElement || !document.activeElement.closest(".further")) {
    open = all("details.pick[open]", form).map((details) => details.id);
    held = open.length && document.activeElement ? document.activeElement.id : "";
  }
}

function onAfterSwap() {
  open.forEach((id) => {
    const details = document.getElementById(id);
    if (details) details.open = true;
  });
  const field = open.length && held ? document.getElementById(held) : null;
  if (field) field.focus({ preventScroll: true });
  open = [];
}

/* A search among the options of a field. */
function onNarrow(event) {
  const field = closest(event, "[data-narrow]");
  if (!field) return;
  const words = field.value.trim().toLowerCase();
  all("label", field.parentElement).forEach((label) => {
    label.hidden = !label.textContent.toLowerCase().includes(words);
  });
}

/* Enter in that search takes nothing away from the form: it is no condition. */
function onKey(event) {
  if (event.key === "Enter" && closest(event, "[data-narrow]")) event.preventDefault();
}

document.addEventListener("input", onInput);
document.addEventListener("compositionend", onInput);
document.addEventListener("submit", onSubmit);
document.addEventListener("input", onNarrow);
document.addEventListener("keydown", onKey);
document.addEventListener("htmx:configRequest", onConfigure);
document.addEventListener("htmx:beforeRequest", onRequest);
document.addEventListener("htmx:beforeSwap", onBeforeSwap);
document.addEventListener("htmx:afterSwap", onAfterSwap);
