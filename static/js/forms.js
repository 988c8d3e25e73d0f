/* Forms: one press, one request; unsaved changes; character counters; the list of errors. */

import { all, root } from "./dom.js";

/* ---------- One press, one request ---------- */

const RELEASE_AFTER = 10000;

function submitters(form) {
  return Array.from(form.elements).filter((element) => element.type === "submit" || element.type === "image");
}

export function lock(form) {
  form.dataset.sending = "1";
  submitters(form).forEach((button) => {
    if (button.disabled) return;
    button.disabled = true;
    button.dataset.held = "1";
  });
  /* A download leaves the page where it is, and a lost connection may too. */
  window.setTimeout(release, RELEASE_AFTER, form);
}

export function release(form) {
  delete form.dataset.sending;
  submitters(form).forEach((button) => {
    if (!button.dataset.held) return;
    button.disabled = false;
    delete button.dataset.held;
  });
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.leaving = "1";
  if ("noLock" in form.dataset || form.target === "_blank") return;
  /* After the event loop: the pressed button's name and value are still sent. */
  window.setTimeout(lock, 0, form);
}

function onPageShow() {
  root.classList.remove("htmx-request");
  all("form[data-sending], form[data-leaving]").forEach((form) => {
    delete form.dataset.leaving;
    release(form);
  });
}

/* ---------- Unsaved changes: form[data-guard] ---------- */

export const UNSAVED = "有未保存的修改";
const opened = new WeakMap();

function contents(form) {
  return Array.from(new FormData(form).entries())
    .map(([name, value]) => name + "=" + (typeof value === "string" ? value : value.name + value.size))
    .join("\n");
}

/* data-guard="dirty": the server sent back what was entered, so it is unsaved from the start. */
export function isDirty(form) {
  return form.dataset.guard === "dirty" || (opened.has(form) && opened.get(form) !== contents(form));
}

function showDirty(form) {
  const dirty = isDirty(form);
  all("[data-dirty]", form).forEach((note) => {
    if (!note.textContent.trim()) note.textContent = UNSAVED;
    note.hidden = !dirty;
  });
}

/* What the form holds now counts as saved. */
export function watch(form) {
  opened.set(form, contents(form));
  showDirty(form);
}

function onEdit(event) {
  const form = event.target.form;
  if (form && "guard" in form.dataset) showDirty(form);
}

function onLeave(event) {
  const pending = all("form[data-guard]").some((form) => !form.dataset.leaving && isDirty(form));
  if (!pending) return;
  event.preventDefault();
  event.returnValue = UNSAVED;
  /* Runs only when the person stays: the form that was being sent is free again. */
  window.setTimeout(onPageShow, 0);
}

/* ---------- Character counters: <p data-count-for="id of the field with data-limit">最多 500 字</p> ---------- */

/* As the server counts: an end of line once, a character beyond the first plane once, blanks around not at all. */
function count(field) {
  const note = document.querySelector('[data-count-for="' + CSS.escape(field.id) + '"]');
  if (!note) return;
  const limit = Number(field.dataset.limit);
  const length = Array.from(field.value.replace(/\r\n?/g, "\n").trim()).length;
  note.textContent = length + " / " + limit + " 字" + (length > limit ? "，多了 " + (length - limit) + " 字" : "");
  note.classList.toggle("over", length > limit);
}

function onInput(event) {
  if (event.target.id && event.target.dataset.limit) count(event.target);
}

export function showCounts(part) {
  all("[data-limit]", part).forEach((field) => {
    if (field.id && field.value) count(field);
  });
}

/* ---------- The list of errors is read first ---------- */

export function focusErrors(part) {
  const summary = part.querySelector('.msg[tabindex="-1"]');
  if (summary) summary.focus();
}

document.addEventListener("submit", onSubmit);
document.addEventListener("input", onInput);
document.addEventListener("input", onEdit);
document.addEventListener("change", onEdit);
window.addEventListener("beforeunload", onLeave);
window.addEventListener("pageshow", onPageShow);
