/* Lists: choices that are sent by themselves, and the way back to the same rows. */

import { all, closest } from "./dom.js";

/* A choice that is a whole request by itself, such as the number of rows on a page. */
function onAutosubmit(event) {
  const field = closest(event, "[data-autosubmit]");
  if (field && field.form) field.form.requestSubmit();
}

/* ---------- A head that stays in sight needs a table that fits; one that does not scrolls inside its card ---------- */

export function fitTables(part = document) {
  all(".tw.stick", part).forEach((box) => {
    box.classList.remove("wide");
    box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
  });
}

/* ---------- A list remembers its query, so "back" leads to the same rows ---------- */

function key(path) {
  return "list:" + path;
}

export function rememberList() {
  const list = document.querySelector("section#list[data-list]");
  if (!list || list.dataset.list !== window.location.pathname) return;
  try {
    window.sessionStorage.setItem(key(list.dataset.list), window.location.search);
  } catch (error) {
    /* Storage may be switched off; then "back" leads to the plain list. */
  }
}

export function restoreBack(link) {
  const href = link.getAttribute("href");
  if (!href || href.includes("?")) return;
  try {
    link.setAttribute("href", href + (window.sessionStorage.getItem(key(link.dataset.back)) || ""));
  } catch (error) {
    /* As above. */
  }
}

document.addEventListener("change", onAutosubmit);
window.addEventListener("resize", () => fitTables());
document.addEventListener("htmx:pushedIntoHistory", rememberList);
document.addEventListener("htmx:replacedInHistory", rememberList);
document.addEventListener("htmx:historyRestore", rememberList);
