/* Rows chosen on a list: with the first tick the bar takes the place of the filters and says how many. */

import { all, closest, isTyping, root } from "./dom.js";

const TICK = 'input[name="ids"]';
let last = null; /* the row from which Shift chooses a range */

function bar() {
  return document.querySelector("[data-bulk]");
}

function whole() {
  return bar().querySelector("[data-whole]");
}

/* The filters leave exactly as much room as they had, so that no row moves. */
function replaceFilters(chosen) {
  const filters = document.querySelector("#list .mfilter, #list .qf");
  if (!filters) return;
  if (chosen && !filters.hidden) bar().style.minHeight = filters.offsetHeight + "px";
  filters.hidden = chosen;
}

function describe(count) {
  const unit = bar().dataset.unit;
  const ticks = all(TICK).length;
  if (whole() && whole().checked) return "已选全部 " + bar().dataset.total + " " + unit;
  return (count === ticks ? "已选本页 " : "已选 ") + count + " " + unit;
}

export function showChosen() {
  if (!bar()) return;
  const ticks = all(TICK);
  const chosen = ticks.filter((tick) => tick.checked);
  const isWhole = Boolean(whole() && whole().checked);
  const number = isWhole ? bar().dataset.total : chosen.length;
  const head = document.querySelector("[data-tick-all]");
  head.hidden = false;
  head.checked = chosen.length > 0 && chosen.length === ticks.length;
  head.indeterminate = chosen.length > 0 && chosen.length < ticks.length;
  ticks.forEach((tick) => tick.closest("tr").classList.toggle("on", tick.checked));
  replaceFilters(chosen.length > 0);
  bar().hidden = chosen.length === 0;
  bar().querySelector("[data-chosen]").textContent = describe(chosen.length);
  bar().querySelector("[data-choose-none]").hidden = false;
  const more = bar().querySelector("[data-choose-all]");
  if (more) more.hidden = isWhole || !head.checked;
  all("[data-verb]", bar()).forEach((button) => {
    button.textContent = button.dataset.verb + " " + number + " " + bar().dataset.unit;
  });
}

function tick(boxes, checked) {
  boxes.forEach((box) => {
    box.checked = checked;
  });
  if (whole()) whole().checked = false;
  showChosen();
}

/* The box, and with Shift all between it and the last one. */
function choose(box, isRange) {
  const ticks = all(TICK);
  const from = ticks.indexOf(last);
  const to = ticks.indexOf(box);
  last = box;
  tick(isRange && from >= 0 ? ticks.slice(Math.min(from, to), Math.max(from, to) + 1) : [box], box.checked);
}

function onClick(event) {
  const box = closest(event, TICK);
  if (box) choose(box, event.shiftKey);
  const head = closest(event, "[data-tick-all]");
  if (head) tick(all(TICK), head.checked);
  if (closest(event, "[data-choose-none]")) {
    tick(all(TICK), false);
    document.querySelector("[data-tick-all]").focus();
  }
  if (closest(event, "[data-choose-all]")) {
    whole().checked = true;
    showChosen();
    bar().querySelector("[data-verb]").focus();
  }
}

/* X chooses the row one stands in, Shift+X all from the last one. */
function onKey(event) {
  if (event.key.toLowerCase() !== "x" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!root.hasAttribute("data-keys") || !bar() || document.querySelector("dialog[open]")) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (isTyping(target) && !target.matches(TICK)) return;
  const row = target.closest("#list tbody tr") || document.querySelector("#list tr.cur");
  const box = row && row.querySelector(TICK);
  if (!box) return;
  event.preventDefault();
  box.checked = !box.checked;
  choose(box, event.shiftKey);
}

document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
