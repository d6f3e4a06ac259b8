// Elements from JavaScript. Strings become text nodes and nothing else, so hostile text stays text.
// Knows nothing of what is shown. `style` is left out on purpose: the page's policy forbids it.

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export const byId = (id) => document.getElementById(id);

const LONGEST = 80;

// A name that somebody else chose: its direction must not turn the sentence around it, nor its length fill the page.
export function name(text) {
  const whole = String(text);
  const cut = whole.length > LONGEST;
  return h("bdi", { class: "name", title: cut ? whole : null }, cut ? `${whole.slice(0, LONGEST)}…` : whole);
}

const drawn = new WeakMap();

// Redraws `container` only when `input` is another than last time; keeps what was open and what had the focus.
export function redraw(container, input, draw) {
  const signature = JSON.stringify(input);
  if (drawn.get(container) === signature) return;
  drawn.set(container, signature);
  const focus = container.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = [...container.querySelectorAll("details[open][data-key]")].map((element) => element.dataset.key);
  container.replaceChildren(...[draw()].flat(Infinity).filter(Boolean));
  for (const element of container.querySelectorAll("[data-key]")) {
    if (element.dataset.key === focus) element.focus({ preventScroll: true });
    if (element.tagName === "DETAILS" && open.includes(element.dataset.key)) element.open = true;
  }
}
