/* Progressive extras of our pages: every page works without them, and each module listens for itself.
   No inline handlers, no eval; the only inline positions are set through the object model, which the content
   security policy allows. htmx is a classic script that stands before this one and starts after it. */

import { all } from "./dom.js";
import "./search.js";
import "./palette.js";
import "./known.js";
import "./menus.js";
import { fitTables, rememberList, restoreBack } from "./lists.js";
import { showChosen } from "./selection.js";
import { showGranted } from "./permissions.js";
import { focusErrors, showCounts, watch } from "./forms.js";
import "./requests.js";
import "./filters.js";
import "./paging.js";
import "./row_keys.js";
import { findInTab } from "./drafts.js";
import { clearOnClose } from "./dialogs.js";

const PHONE = "(max-width: 680px)";

/* On a phone filters and long blocks begin folded. */
function fold(part) {
  if (!window.matchMedia(PHONE).matches) return;
  all("details.mfilter[open], details.folds[open]", part).forEach((details) => {
    details.open = false;
  });
}

/* Whatever has just appeared: the page, or what htmx put in. */
function prepare(part) {
  fold(part);
  all("[data-branch]", part).forEach(showGranted);
  all("form[data-guard]", part).forEach(watch);
  all("form[data-draft]", part).forEach(findInTab);
  all("a[data-back]", part).forEach(restoreBack);
  showChosen();
  fitTables();
  showCounts(part);
  focusErrors(part);
}

document.addEventListener("htmx:afterSettle", (event) => prepare(event.detail.target || event.target));

prepare(document);
rememberList();
clearOnClose();
