/* Fields under which matches are offered: input[role=combobox] and its listbox. */

import { all, closest } from "./dom.js";

const COMBO = '.combo input[role="combobox"]';

function offers(field) {
  const list = document.getElementById(field.getAttribute("aria-controls"));
  return { list: list, options: all('[role="option"][data-value]', list) };
}

function fold(field) {
  offers(field).list.replaceChildren();
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function take(field, option) {
  field.value = option.dataset.value;
  fold(field);
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function point(field, options, place) {
  options.forEach((option, at) => option.setAttribute("aria-selected", String(at === place)));
  field.setAttribute("aria-activedescendant", options[place].id);
  options[place].scrollIntoView({ block: "nearest" });
}

function onComboKey(event) {
  const field = closest(event, COMBO);
  if (!field || event.isComposing) return;
  const options = offers(field).options;
  const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "Escape") fold(field);
  if (!options.length) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) point(field, options, (now + step + (now < 0 && step < 0 ? 1 : 0) + options.length) % options.length);
  if (event.key === "Enter" && now >= 0) take(field, options[now]);
  if (step || (event.key === "Enter" && now >= 0)) event.preventDefault();
}

function onComboPress(event) {
  const option = closest(event, ".combo-list [data-value]");
  if (!option) return;
  event.preventDefault();
  take(option.closest(".combo").querySelector("input"), option);
}

function onComboLeave(event) {
  const field = closest(event, COMBO);
  if (field) fold(field);
}

/* The server has offered: open the list, unless the person has left the field meanwhile. */
function onOffered(event) {
  const list = event.detail.target;
  if (!list || !list.matches(".combo-list")) return;
  const field = list.closest(".combo") && list.closest(".combo").querySelector("input");
  if (!field) return;
  if (document.activeElement !== field) fold(field);
  else field.setAttribute("aria-expanded", String(list.children.length > 0));
}

document.addEventListener("keydown", onComboKey);
document.addEventListener("mousedown", onComboPress);
document.addEventListener("focusout", onComboLeave);
document.addEventListener("htmx:afterSettle", onOffered);
