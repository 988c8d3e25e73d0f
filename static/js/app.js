/* Progressive extras: every page works without this file.
   No inline handlers, no eval; the only inline positions are set through the object model, which the
   content security policy allows. Load it in <head>, before the page is painted. */
(function () {
  "use strict";

  const root = document.documentElement;
  const PHONE = "(max-width: 680px)";
  const UNSAVED = "有未保存的修改";

  root.classList.add("js");

  function all(selector, within) {
    return Array.from((within || document).querySelectorAll(selector));
  }

  /* Where an event happened, or the nearest ancestor that matches. */
  function closest(event, selector) {
    return event.target instanceof Element ? event.target.closest(selector) : null;
  }

  /* ---------- Keyboard: "/" goes to the search ---------- */

  function isTyping(element) {
    return element instanceof Element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);
  }

  function onSlash(event) {
    if (event.key !== "/" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const field = document.querySelector(".gsearch input");
    if (!field) return;
    event.preventDefault();
    field.focus();
  }

  /* ---------- Menus and drawer are <details>: Esc and a click outside close them ---------- */

  const FLOATING = "details.dd[open], details.drawer[open]";

  function onEscape(event) {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    all(FLOATING).forEach(function (details) {
      details.open = false;
      details.querySelector("summary").focus();
    });
  }

  function closeOthers(event) {
    all(FLOATING).forEach(function (details) {
      if (!details.contains(event.target)) details.open = false;
    });
  }

  /* A menu inside a scrolling table floats in the window, below its button or above it when there is no room. */
  function placeInWindow(menu, button) {
    const at = button.getBoundingClientRect();
    /* Measured where nothing narrows it: beside the right edge it would wrap, and grow again when moved. */
    menu.style.left = "8px";
    const size = menu.getBoundingClientRect();
    const below = at.bottom + 4;
    const left = Math.min(at.right, window.innerWidth - 8) - size.width;
    const fits = below + size.height <= window.innerHeight - 8;
    menu.style.left = Math.max(8, left) + "px";
    menu.style.top = Math.max(8, fits ? below : at.top - 4 - size.height) + "px";
  }

  function onToggle(event) {
    const details = event.target;
    if (!(details instanceof HTMLDetailsElement) || !details.open || !details.matches(".dd")) return;
    const menu = details.querySelector(".menu");
    if (!menu) return;
    menu.classList.remove("to-right");
    if (details.closest(".tw")) placeInWindow(menu, details.querySelector("summary"));
    else if (menu.getBoundingClientRect().left < 8) menu.classList.add("to-right");
  }

  /* A floating menu follows its row, and goes when the row leaves the window. */
  function followRows() {
    all(".tw details.dd[open]").forEach(function (details) {
      const button = details.querySelector("summary");
      const at = button.getBoundingClientRect();
      const seen = at.bottom > 0 && at.top < window.innerHeight;
      const menu = details.querySelector(".menu");
      if (seen && menu) placeInWindow(menu, button);
      else details.open = false;
    });
  }

  /* ---------- Small clicks ---------- */

  function onClick(event) {
    closeOthers(event);
    if (closest(event, "[data-print]")) window.print();
    if (closest(event, '[aria-disabled="true"]')) event.preventDefault();
    const dialog = closest(event, "dialog[open]");
    if (!dialog) return;
    if (event.target === dialog || closest(event, "[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  }

  /* A choice that is a whole request by itself, such as the number of rows on a page. */
  function onAutosubmit(event) {
    const field = closest(event, "[data-autosubmit]");
    if (field && field.form) field.form.requestSubmit();
  }

  /* ---------- Chosen rows: the bar appears with the first tick and says how many ---------- */

  function showChosen() {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const ticks = all('input[name="ids"]');
    const chosen = ticks.filter(function (tick) {
      return tick.checked;
    }).length;
    const head = document.querySelector("[data-tick-all]");
    head.hidden = false;
    head.checked = chosen > 0 && chosen === ticks.length;
    head.indeterminate = chosen > 0 && chosen < ticks.length;
    bar.hidden = chosen === 0;
    bar.querySelector("[data-chosen]").textContent = "已选 " + chosen + " 条";
  }

  function onTick(event) {
    const head = closest(event, "[data-tick-all]");
    if (head) {
      all('input[name="ids"]').forEach(function (tick) {
        tick.checked = head.checked;
      });
    }
    if (head || closest(event, 'input[name="ids"]')) showChosen();
  }

  /* ---------- Rights of a role: 全选 ticks a whole module, and follows what is ticked ---------- */

  function rightsOf(branch) {
    return all('input[name="permissions"]', branch);
  }

  function showHeld(branch) {
    const rights = rightsOf(branch);
    const held = rights.filter(function (tick) {
      return tick.checked;
    }).length;
    const whole = branch.querySelector("[data-whole]");
    whole.checked = held === rights.length;
    whole.indeterminate = held > 0 && held < rights.length;
    branch.querySelector("[data-held]").textContent = held;
  }

  function onRight(event) {
    const branch = closest(event, "[data-branch]");
    if (!branch) return;
    const whole = closest(event, "[data-whole]");
    if (whole) {
      rightsOf(branch).forEach(function (tick) {
        tick.checked = whole.checked;
      });
    }
    showHeld(branch);
  }

  /* ---------- One press, one request ---------- */

  const RELEASE_AFTER = 10000;

  function submitters(form) {
    return Array.from(form.elements).filter(function (element) {
      return element.type === "submit" || element.type === "image";
    });
  }

  function lock(form) {
    form.dataset.sending = "1";
    submitters(form).forEach(function (button) {
      if (button.disabled) return;
      button.disabled = true;
      button.dataset.held = "1";
    });
    /* A download leaves the page where it is, and a lost connection may too. */
    window.setTimeout(release, RELEASE_AFTER, form);
  }

  function release(form) {
    delete form.dataset.sending;
    submitters(form).forEach(function (button) {
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
    all("form[data-sending], form[data-leaving]").forEach(function (form) {
      delete form.dataset.leaving;
      release(form);
    });
  }

  /* ---------- Unsaved changes: form[data-guard] ---------- */

  const opened = new WeakMap();

  function contents(form) {
    return Array.from(new FormData(form).entries())
      .map(function (pair) {
        const value = pair[1];
        return pair[0] + "=" + (typeof value === "string" ? value : value.name + value.size);
      })
      .join("\n");
  }

  /* data-guard="dirty": the server sent back what was entered, so it is unsaved from the start. */
  function isDirty(form) {
    return form.dataset.guard === "dirty" || (opened.has(form) && opened.get(form) !== contents(form));
  }

  function showDirty(form) {
    const dirty = isDirty(form);
    all("[data-dirty]", form).forEach(function (note) {
      if (!note.textContent.trim()) note.textContent = UNSAVED;
      note.hidden = !dirty;
    });
  }

  function onEdit(event) {
    const form = event.target.form;
    if (form && "guard" in form.dataset) showDirty(form);
  }

  function onLeave(event) {
    const pending = all("form[data-guard]").some(function (form) {
      return !form.dataset.leaving && isDirty(form);
    });
    if (!pending) return;
    event.preventDefault();
    event.returnValue = UNSAVED;
    /* Runs only when the person stays: the form that was being sent is free again. */
    window.setTimeout(onPageShow, 0);
  }

  /* ---------- A list remembers its query, so "back" leads to the same rows ---------- */

  function key(path) {
    return "list:" + path;
  }

  function rememberList() {
    const list = document.querySelector("section#list[data-list]");
    if (!list || list.dataset.list !== window.location.pathname) return;
    try {
      window.sessionStorage.setItem(key(list.dataset.list), window.location.search);
    } catch (error) {
      /* Storage may be switched off; then "back" leads to the plain list. */
    }
  }

  function restoreBack(link) {
    const href = link.getAttribute("href");
    if (!href || href.includes("?")) return;
    try {
      link.setAttribute("href", href + (window.sessionStorage.getItem(key(link.dataset.back)) || ""));
    } catch (error) {
      /* As above. */
    }
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

  /* ---------- A field under which matches are offered: input[role=combobox] and its listbox ---------- */

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
    options.forEach(function (option, at) {
      option.setAttribute("aria-selected", String(at === place));
    });
    field.setAttribute("aria-activedescendant", options[place].id);
    options[place].scrollIntoView({ block: "nearest" });
  }

  function onComboKey(event) {
    const field = closest(event, 'input[role="combobox"]');
    if (!field || event.isComposing) return;
    const options = offers(field).options;
    const now = options.findIndex(function (option) {
      return option.getAttribute("aria-selected") === "true";
    });
    if (event.key === "Escape") fold(field);
    if (!options.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) point(field, options, (now + step + (now < 0 && step < 0 ? 1 : 0) + options.length) % options.length);
    if (event.key === "Enter" && now >= 0) take(field, options[now]);
    if (step || (event.key === "Enter" && now >= 0)) event.preventDefault();
  }

  function onComboPress(event) {
    const option = closest(event, '.combo-list [data-value]');
    if (!option) return;
    event.preventDefault();
    take(option.closest(".combo").querySelector("input"), option);
  }

  function onComboLeave(event) {
    const field = closest(event, 'input[role="combobox"]');
    if (field) fold(field);
  }

  function onOffered(list) {
    const field = list.closest(".combo") && list.closest(".combo").querySelector("input");
    if (!field) return;
    if (document.activeElement !== field) fold(field);
    else field.setAttribute("aria-expanded", String(list.children.length > 0));
  }

  /* ---------- Text that could not be saved because the session ended waits in this tab: form[data-draft] ---------- */

  function draftKey(form) {
    return "draft:" + form.dataset.draft + ":" + window.location.pathname;
  }

  function writable(form) {
    return Array.from(form.elements).filter(function (field) {
      return field.name && field.type !== "hidden" && field.type !== "submit";
    });
  }

  function keepInTab(form) {
    const values = writable(form)
      .filter(function (field) {
        return field.type !== "radio" || field.checked;
      })
      .map(function (field) {
        return [field.name, field.value];
      });
    try {
      window.sessionStorage.setItem(draftKey(form), JSON.stringify(values));
    } catch (error) {
      /* Storage may be switched off; what the server kept is found again. */
    }
  }

  function forgetInTab(form) {
    try {
      window.sessionStorage.removeItem(draftKey(form));
    } catch (error) {
      /* As above. */
    }
  }

  function findInTab(form) {
    let values = [];
    try {
      values = JSON.parse(window.sessionStorage.getItem(draftKey(form)) || "[]");
    } catch (error) {
      return;
    }
    values.forEach(function (pair) {
      writable(form).forEach(function (field) {
        if (field.name !== pair[0]) return;
        if (field.type === "radio") field.checked = field.value === pair[1];
        else field.value = pair[1];
      });
    });
  }

  /* ---------- Whatever has just appeared: the page, or what htmx put in ---------- */

  function prepare(part) {
    if (window.matchMedia(PHONE).matches) {
      all("details.mfilter[open], details.folds[open]", part).forEach(function (details) {
        details.open = false;
      });
    }
    all("[data-branch]", part).forEach(showHeld);
    all("form[data-guard]", part).forEach(function (form) {
      opened.set(form, contents(form));
      showDirty(form);
    });
    all("form[data-draft]", part).forEach(findInTab);
    all("a[data-back]", part).forEach(restoreBack);
    showChosen();
    all("[data-limit]", part).forEach(function (field) {
      if (field.id && field.value) count(field);
    });
    const summary = part.querySelector('.msg.red[tabindex="-1"]');
    if (summary) summary.focus();
  }

  /* ---------- htmx ---------- */

  let running = 0;

  function waiting(step) {
    running = Math.max(0, running + step);
    root.classList.toggle("htmx-request", running > 0);
  }

  /* Not detail.elt: that is sometimes the target of the swap. */
  function asker(event) {
    return event.detail.requestConfig.elt;
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

  /* The address a person would have reached without htmx. */
  function plainAddress(event) {
    const link = asker(event).closest("a[href]");
    return link ? link.href : event.detail.pathInfo.finalRequestPath;
  }

  function isSilent(event) {
    return asker(event).matches("[data-silent]");
  }

  /* A draft that the server did not take: it waits in this tab until the form is opened again. */
  function onDraftAnswer(event) {
    const form = isSilent(event) && asker(event).closest("form[data-draft]");
    if (!form) return;
    if (event.detail.xhr.status === 204) forgetInTab(form);
    else keepInTab(form);
  }

  function onFailure(event) {
    if (isSilent(event)) return;
    if (event.detail.requestConfig.verb === "get") {
      window.location.assign(plainAddress(event));
      return;
    }
    const note = document.createElement("div");
    note.className = "msg red";
    note.setAttribute("role", "alert");
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    note.textContent =
      status === 503
        ? "系统正忙，这次没有保存。您填写的内容还在，请过几秒再提交。"
        : status === 507
          ? "服务器磁盘已满，没有保存。您填写的内容还在，请告诉系统管理员后再提交。"
          : "操作没有完成，请检查网络后重试，或刷新页面查看最新状态。";
    (document.querySelector("dialog[open] .dlg > div > div") || document.getElementById("main")).prepend(note);
  }

  /* A whole page where a fragment was asked for (signed out in between): go there instead of showing it inside. */
  function onBeforeSwap(event) {
    if (isSilent(event)) {
      if (/^\s*<!doctype/i.test(event.detail.xhr.responseText)) event.detail.shouldSwap = false;
      return;
    }
    const xhr = event.detail.xhr;
    const asked = new URL(event.detail.pathInfo.finalRequestPath, window.location.href).pathname;
    const moved = xhr.responseURL && new URL(xhr.responseURL).pathname !== asked;
    const whole = /^\s*<!doctype/i.test(xhr.responseText);
    if (!whole || !(moved || event.detail.target.id === "dialog")) return;
    event.detail.shouldSwap = false;
    window.location.assign(event.detail.requestConfig.verb === "get" ? plainAddress(event) : xhr.responseURL);
  }

  /* Focus goes back to the opener on close, so it must not sit in a menu that is about to fold. */
  function leaveMenus() {
    all("details.dd[open]").forEach(function (details) {
      const held = details.contains(document.activeElement);
      details.open = false;
      if (held) details.querySelector("summary").focus();
    });
  }

  function onSwapped(event) {
    const dialog = document.getElementById("dialog");
    /* Going back, htmx swaps without naming a target. */
    if (!dialog || !event.detail.target || event.detail.target.id !== "dialog") return;
    if (!dialog.firstElementChild) {
      if (dialog.open) dialog.close();
      return;
    }
    if (!dialog.open) {
      leaveMenus();
      dialog.showModal();
    }
    const first = dialog.querySelector("[autofocus]");
    if (first) first.focus();
  }

  /* The page kept for "back" has nothing floating on it. */
  function tidy() {
    all("dialog[open]").forEach(function (dialog) {
      dialog.close();
      dialog.replaceChildren();
    });
    all(FLOATING).forEach(function (details) {
      details.open = false;
    });
  }

  function start() {
    prepare(document);
    rememberList();
    const dialog = document.getElementById("dialog");
    if (dialog) {
      dialog.addEventListener("close", function () {
        dialog.replaceChildren();
      });
    }
  }

  document.addEventListener("keydown", onSlash);
  document.addEventListener("keydown", onComboKey);
  document.addEventListener("keydown", onEscape);
  document.addEventListener("mousedown", onComboPress);
  document.addEventListener("focusout", onComboLeave);
  document.addEventListener("click", onClick);
  document.addEventListener("toggle", onToggle, true);
  document.addEventListener("scroll", followRows, { capture: true, passive: true });
  document.addEventListener("change", onAutosubmit);
  document.addEventListener("change", onTick);
  document.addEventListener("change", onRight);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("input", onInput);
  document.addEventListener("input", onEdit);
  document.addEventListener("change", onEdit);
  window.addEventListener("resize", followRows);
  window.addEventListener("beforeunload", onLeave);
  window.addEventListener("pageshow", onPageShow);

  document.addEventListener("htmx:beforeRequest", onRequest);
  document.addEventListener("htmx:afterRequest", onAnswer);
  document.addEventListener("htmx:afterRequest", onDraftAnswer);
  document.addEventListener("htmx:responseError", onFailure);
  document.addEventListener("htmx:sendError", onFailure);
  document.addEventListener("htmx:beforeSwap", onBeforeSwap);
  document.addEventListener("htmx:afterSwap", onSwapped);
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target && event.detail.target.matches(".combo-list")) onOffered(event.detail.target);
  });
  document.addEventListener("htmx:beforeHistorySave", tidy);
  document.addEventListener("htmx:pushedIntoHistory", rememberList);
  document.addEventListener("htmx:replacedInHistory", rememberList);
  document.addEventListener("htmx:historyRestore", rememberList);
  document.addEventListener("htmx:afterSettle", function (event) {
    prepare(event.detail.target || event.target);
  });

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
