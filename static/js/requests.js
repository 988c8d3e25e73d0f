/* Requests by htmx: the bar while one runs, what is said when one fails, whole pages where a part was asked for. */

import { root } from "./dom.js";
import { lock, release } from "./forms.js";

let running = 0;

function waiting(step) {
  running = Math.max(0, running + step);
  root.classList.toggle("htmx-request", running > 0);
}

/* The element that asked. Not detail.elt: that is sometimes the target of the swap. */
export function asker(event) {
  return event.detail.requestConfig.elt;
}

export function isSilent(event) {
  return asker(event).matches("[data-silent]");
}

function formOf(event) {
  return asker(event) instanceof HTMLFormElement ? asker(event) : null;
}

function onRequest(event) {
  waiting(1);
  if (formOf(event) && event.detail.requestConfig.verb !== "get") lock(formOf(event));
}

function onAnswer(event) {
  waiting(-1);
  if (formOf(event)) release(formOf(event));
}

/* The URL a person would have reached without htmx. */
function plainUrl(event) {
  const link = asker(event).closest("a[href]");
  return link ? link.href : event.detail.pathInfo.finalRequestPath;
}

const FAILURES = {
  503: "系统正忙，这次没有保存。您填写的内容还在，请过几秒再提交。",
  507: "服务器磁盘已满，没有保存。您填写的内容还在，请告诉系统管理员后再提交。",
};
const FAILED = "操作没有完成，请检查网络后重试，或刷新页面查看最新状态。";

function onFailure(event) {
  if (isSilent(event)) return;
  if (event.detail.requestConfig.verb === "get") {
    window.location.assign(plainUrl(event));
    return;
  }
  const note = document.createElement("div");
  note.className = "msg red";
  note.setAttribute("role", "alert");
  note.textContent = FAILURES[event.detail.xhr ? event.detail.xhr.status : 0] || FAILED;
  (document.querySelector("dialog[open] .dlg > div > div") || document.getElementById("main")).prepend(note);
}

/* A whole page where a fragment was asked for (signed out in between): go there instead of showing it inside. */
function onBeforeSwap(event) {
  const xhr = event.detail.xhr;
  const whole = /^\s*<!doctype/i.test(xhr.responseText);
  if (isSilent(event)) {
    if (whole) event.detail.shouldSwap = false;
    return;
  }
  const asked = new URL(event.detail.pathInfo.finalRequestPath, window.location.href).pathname;
  const moved = xhr.responseURL && new URL(xhr.responseURL).pathname !== asked;
  if (!whole || !(moved || event.detail.target.id === "dialog")) return;
  event.detail.shouldSwap = false;
  window.location.assign(event.detail.requestConfig.verb === "get" ? plainUrl(event) : xhr.responseURL);
}

document.addEventListener("htmx:beforeRequest", onRequest);
document.addEventListener("htmx:afterRequest", onAnswer);
document.addEventListener("htmx:responseError", onFailure);
document.addEventListener("htmx:sendError", onFailure);
document.addEventListener("htmx:beforeSwap", onBeforeSwap);
