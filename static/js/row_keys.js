/* Keys on the rows of a list: J and K lead down and up, Enter opens. Off by a switch in 个人资料. */

import { all, closest, root } from "./dom.js";

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

function rows() {
  return all("#list .stick tbody tr");
}

function current() {
  return document.querySelector("#list .stick tr.cur");
}

/* The row and its first link go together: where the focus is, the screen reader reads. */
function lead(row) {
  all("#list .stick tr.cur").forEach((other) => other.classList.remove("cur"));
  row.classList.add("cur");
  row.scrollIntoView({ block: "nearest" });
  const link = row.querySelector("td a[href]");
  if (link) link.focus({ preventScroll: true });
}

function step(by) {
  const list = rows();
  const now = list.indexOf(current());
  const next = list[now < 0 ? 0 : Math.min(Math.max(now + by, 0), list.length - 1)];
  if (next) lead(next);
}

function onKey(event) {
  const isOff = !root.hasAttribute("data-keys") || event.isComposing || event.ctrlKey || event.metaKey || event.altKey;
  if (isOff || event.shiftKey || closest(event, TYPING) || document.querySelector("dialog[open], details.dd[open]")) return;
  const key = event.key.toLowerCase();
  const row = current();
  if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "enter" && row && document.activeElement === document.body) row.querySelector("td a[href]").click();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
