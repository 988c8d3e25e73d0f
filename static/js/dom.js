/* What every module asks of the document. */

export const root = document.documentElement;

/* All elements that match, as an array. */
export function all(selector, within = document) {
  return Array.from(within.querySelectorAll(selector));
}

/* Where an event happened, or the nearest ancestor that matches. */
export function closest(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

export function isTyping(element) {
  return element instanceof Element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);
}
