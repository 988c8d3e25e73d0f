/* A list whose rows were exchanged: focus and words for who does not see it. */

import { asker } from "./requests.js";

let live = null;

/* It stands there before its words do: a region that comes with its words is not read. */
function prepare(event) {
  if (live || !event.detail.target || event.detail.target.id !== "list") return;
  live = document.createElement("p");
  live.className = "vh";
  live.setAttribute("role", "status");
  document.body.append(live);
}

function caption() {
  return document.querySelector("#list caption") || document.querySelector("#list .empty h2");
}

/* After paging one stands at the head of the new rows; after a filter where one was, as long as that is still there. */
function onSettle(event) {
  if (!event.detail.requestConfig || !event.detail.target || event.detail.target.id !== "list") return;
  const head = caption();
  if (!head) return;
  const paged = asker(event).closest(".pager");
  if (paged || document.activeElement === document.body) head.focus({ preventScroll: true });
  if (live) live.textContent = paged ? head.dataset.page : head.dataset.count || head.textContent;
}

document.addEventListener("htmx:beforeRequest", prepare);
document.addEventListener("htmx:afterSettle", onSettle);
