/* Text that could not be saved because the session ended waits in this tab: form[data-draft]. */

import { asker, isSilent } from "./requests.js";

function key(form) {
  return "draft:" + form.dataset.draft + ":" + window.location.pathname;
}

function writable(form) {
  return Array.from(form.elements).filter((field) => field.name && field.type !== "hidden" && field.type !== "submit");
}

function keepInTab(form) {
  const values = writable(form)
    .filter((field) => field.type !== "radio" || field.checked)
    .map((field) => [field.name, field.value]);
  try {
    window.sessionStorage.setItem(key(form), JSON.stringify(values));
  } catch (error) {
    /* Storage may be switched off; what the server kept is found again. */
  }
}

function forgetInTab(form) {
  try {
    window.sessionStorage.removeItem(key(form));
  } catch (error) {
    /* As above. */
  }
}

export function findInTab(form) {
  let values = [];
  try {
    values = JSON.parse(window.sessionStorage.getItem(key(form)) || "[]");
  } catch (error) {
    return;
  }
  values.forEach(([name, value]) => {
    writable(form).forEach((field) => {
      if (field.name !== name) return;
      if (field.type === "radio") field.checked = field.value === value;
      else field.value = value;
    });
  });
}

/* A draft that the server did not take: it waits in this tab until the form is opened again. */
function onDraftAnswer(event) {
  const form = isSilent(event) && asker(event).closest("form[data-draft]");
  if (!form) return;
  if (event.detail.xhr.status === 204) forgetInTab(form);
  else keepInTab(form);
}

document.addEventListener("htmx:afterRequest", onDraftAnswer);
