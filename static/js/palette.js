/* The palette: Ctrl+K or "/" opens it, the server finds, the keyboard chooses. On a phone /search/ opens instead. */

import { all, closest, isTyping } from "./dom.js";

const PHONE = "(max-width: 680px)";
const PAUSE = 60; /* milliseconds between the last sign and the question */
const OPENED = "crm.opened";
const RECENT = 5;

const dialog = document.getElementById("palette");
const field = dialog && dialog.querySelector("input");
const list = document.getElementById("palette-list");
const said = dialog && dialog.querySelector('[role="status"]');
let request = null;
let timer = 0;

/* ---------- What was opened last: URLs only, whose names the server tells to who may still see them ---------- */

function opened() {
  try {
    const kept = JSON.parse(localStorage.getItem(OPENED));
    return kept && kept.person === dialog.dataset.person ? kept.urls : [];
  } catch {
    return [];
  }
}

function rememberOpened() {
  const here = location.pathname;
  if (!/\/\d+\/$/.test(here)) return;
  const urls = [here, ...opened().filter((url) => url !== here)].slice(0, RECENT + 1);
  try {
    localStorage.setItem(OPENED, JSON.stringify({ person: dialog.dataset.person, urls: urls }));
  } catch {
    /* A browser that keeps nothing offers nothing. */
  }
}

/* ---------- Asking ---------- */

function allUrl() {
  const text = field.value.trim();
  return text ? dialog.dataset.all + "?" + new URLSearchParams({ q: text }) : dialog.dataset.all;
}

function optionsUrl() {
  const params = new URLSearchParams({ q: field.value.trim() });
  const others = opened().filter((url) => url !== location.pathname);
  if (!params.get("q")) others.slice(0, RECENT).forEach((url) => params.append("opened", url));
  return dialog.dataset.options + "?" + params;
}

function drop() {
  clearTimeout(timer);
  if (request) request.abort();
  request = null;
  timer = 0;
}

async function ask() {
  drop();
  const mine = (request = new AbortController());
  try {
    const answer = await fetch(optionsUrl(), { signal: mine.signal, headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) throw new Error("refused");
    arrive(mine, new DOMParser().parseFromString(await answer.text(), "text/html").body);
  } catch (error) {
    if (error.name !== "AbortError") arrive(mine, document.createElement("div"));
  }
}

/* Of two questions only the last one's answer is shown. */
function arrive(mine, body) {
  if (mine !== request) return;
  request = null;
  show(body);
}

function askSoon() {
  drop();
  dialog.querySelector(".ft a").href = allUrl();
  timer = setTimeout(ask, PAUSE);
}

/* ---------- Choosing ---------- */

function options() {
  return all('[role="option"]', list);
}

function chosen() {
  return list.querySelector('[aria-selected="true"]');
}

function show(body) {
  list.replaceChildren(...body.children);
  const lines = options();
  field.setAttribute("aria-expanded", String(lines.length > 0));
  said.textContent = lines.length ? lines.length + " 项" : list.textContent.trim();
  choose(lines[0]);
}

function choose(option) {
  options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
  if (!option) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const lines = options();
  const at = lines.indexOf(chosen());
  if (lines.length) choose(lines[(at + by + lines.length) % lines.length]);
}

function go(url, apart) {
  if (apart) return window.open(url, "_blank", "noopener");
  dialog.close();
  location.assign(url);
}

/* What stands in the list belongs to what was typed before, while the answer is awaited. */
function goToChosen(apart) {
  const awaited = request || timer;
  const option = chosen();
  go(option && !awaited ? option.dataset.url : allUrl(), apart);
}

/* ---------- Opening and closing ---------- */

function open(text) {
  if (window.matchMedia(PHONE).matches) return location.assign(dialog.dataset.all);
  if (dialog.open || document.querySelector("dialog[open]")) return;
  field.value = text;
  list.replaceChildren();
  dialog.showModal();
  field.focus();
  field.select();
  askSoon();
}

function onKey(event) {
  if (event.isComposing || event.altKey) return;
  const hasControl = event.ctrlKey || event.metaKey;
  const calls = hasControl ? event.key.toLowerCase() === "k" && !event.shiftKey : event.key === "/" && !isTyping(event.target);
  if (!calls || dialog.open || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  open("");
}

function onChoiceKey(event) {
  if (event.isComposing) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) step(by);
  else if (event.key === "Enter") goToChosen(event.ctrlKey || event.metaKey);
  else return;
  event.preventDefault();
}

function onPress(event) {
  const top = closest(event, ".topbar .gsearch input");
  if (top) {
    event.preventDefault();
    return open(top.value);
  }
  const option = closest(event, '#palette-list [role="option"]');
  if (option) go(option.dataset.url, event.ctrlKey || event.metaKey);
}

if (dialog) {
  rememberOpened();
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onPress);
  field.addEventListener("keydown", onChoiceKey);
  field.addEventListener("input", (event) => event.isComposing || askSoon());
  field.addEventListener("compositionend", askSoon);
  dialog.addEventListener("close", drop);
}
