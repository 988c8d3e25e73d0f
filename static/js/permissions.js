/* Permissions of a role: 全选 ticks a whole module, and follows what is ticked. */

import { all, closest } from "./dom.js";

function permissionsOf(branch) {
  return all('input[name="permissions"]', branch);
}

export function showGranted(branch) {
  const ticks = permissionsOf(branch);
  const granted = ticks.filter((tick) => tick.checked).length;
  const whole = branch.querySelector("[data-whole]");
  whole.checked = granted === ticks.length;
  whole.indeterminate = granted > 0 && granted < ticks.length;
  branch.querySelector("[data-held]").textContent = granted;
}

function onPermission(event) {
  const branch = closest(event, "[data-branch]");
  if (!branch) return;
  const whole = closest(event, "[data-whole]");
  if (whole) {
    permissionsOf(branch).forEach((tick) => {
      tick.checked = whole.checked;
    });
  }
  showGranted(branch);
}

document.addEventListener("change", onPermission);
