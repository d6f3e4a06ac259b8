// What time it is for the service: the browser's clock, corrected by the Date of the last answer.
// Keeps every "… ago" on the page true, second by second.

import { h } from "./dom.js";
import { duration, moment } from "./format.js";

let skew = 0;

export const now = () => Date.now() + skew;

// A Date header counts whole seconds, so a difference of two is noise.
export function setByHeader(date) {
  const served = Date.parse(date ?? "");
  if (Number.isNaN(served)) return;
  const difference = served + 500 - Date.now();
  skew = Math.abs(difference) > 2000 ? difference : 0;
}

// "12 s ago", kept up to date. `words` turns the length of time into words.
export function ago(iso, suffix = " ago") {
  const element = h("time", { datetime: iso, title: moment(Date.parse(iso)), "data-ago": suffix });
  write(element);
  return element;
}

function write(element) {
  const seconds = Math.max(0, Math.floor((now() - Date.parse(element.dateTime)) / 1000));
  const text = duration(seconds) + element.dataset.ago;
  if (element.textContent !== text) element.textContent = text;
}

export function tick() {
  document.querySelectorAll("time[data-ago]").forEach(write);
}
