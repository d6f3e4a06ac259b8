// The labelling view: one text at a time, one key an answer. The model's own answer stays hidden until yours is given.

import { ask, askJson } from "../api.js";
import { now } from "../clock.js";
import { byId, h, name, redraw } from "../dom.js";
import { count, duration, number, percent, plural } from "../format.js";
import { icon } from "../icons.js";
import { forecast } from "./forecast.js";
import { newSession } from "./session.js";

const KEYS = 9;
let status = null;
let peek = false;
let keys = true;
let shown = null;

const session = newSession({
  fetchMore: async (wanted) => (await askJson(`/audit?count=${wanted}`)).body,
  send: (id, label) => ask("/feedback", { method: "POST", body: { prediction_id: id, label } }),
  changed: () => draw(),
  now,
});

// Draws with the newest status; `isOpen` is whether the reader is here.
export function drawLabelling(newest, isOpen) {
  status = newest;
  // A page has one heading of the first rank: the verdict's while this view is closed.
  redraw(byId("label-title"), isOpen, () => isOpen && h("h1", {}, "Which class is right?"));
  if (!isOpen) {
    shown = null;
    return;
  }
  if (session.state === "idle") session.load();
  else draw();
}

function draw() {
  if (!status) return;
  const entry = session.current();
  drawProgress();
  redraw(byId("label-text"), [entry, session.state === "loading", session.trouble?.message, session.skipped], () =>
    entry ? text(entry) : nothing(),
  );
  redraw(byId("label-answers"), [entry?.prediction_id, status.model?.labels, session.before, peek, session.canUndo], () =>
    entry ? answers(entry) : [],
  );
  redraw(byId("label-trouble"), session.trouble?.message, () => session.trouble && complaint());
  redraw(byId("label-newest"), [session.newest, session.state], () => session.newest && verdict(session.newest));
  byId("label-answers").setAttribute("aria-busy", String(session.state === "sending"));
  if (entry && entry.prediction_id !== shown) {
    shown = entry.prediction_id;
    const box = byId("label-words");
    box.scrollTop = 0;
    box.focus({ preventScroll: true });
    const item = box.closest(".label-item");
    const { top, bottom } = item.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) item.scrollIntoView();
  }
}

function drawProgress() {
  const { labelled, skipped, waiting } = session;
  redraw(byId("label-progress"), [labelled.length, skipped, waiting], () => [
    h(
      "p",
      {},
      h("strong", {}, `${count(labelled.length)} labelled`),
      h("span", { class: "soft" }, `${skipped ? `, ${count(skipped)} skipped` : ""}, ${count(waiting)} waiting`),
    ),
    h("progress", {
      max: Math.max(1, labelled.length + waiting),
      value: labelled.length,
      "aria-label": "Texts of this sample that are labelled",
    }),
  ]);
  const last = Date.parse(status.monitor?.last_round ?? "");
  const more = labelled.filter(({ at }) => !(at <= last)).length;
  const audit = status.checks?.find((check) => check.aspect === "accuracy")?.details?.audit ?? null;
  const known = status.accuracy;
  const baseline = known?.baseline ?? status.verdict?.baseline_accuracy;
  redraw(byId("label-effect"), [known, audit, more, status.monitor], () =>
    effect(known, audit, forecast(known, audit, more, baseline)),
  );
}

function effect(known, audit, { now: half, then, more, switches }) {
  const width = (value) => `± ${number(value * 100, 1)}`;
  return [
    known
      ? h(
          "p",
          { class: "effect" },
          `Accuracy ${percent(known.value)} `,
          h("span", {}, width(half), " points"),
          h("span", { class: "soft" }, ` from ${plural(known.labels, audit?.shown ? "audited label" : "label")}`),
        )
      : h("p", { class: "effect" }, "Accuracy is not measured yet."),
    more > 0 &&
      h(
        "p",
        { class: "forecast" },
        icon("notice", 16),
        h(
          "span",
          {},
          then === null ? "A forecast needs a few labels more" : [h("strong", {}, `about ${width(then)}`), " points"],
          ` with ${plural(more, "more label")}`,
          switches ? ", of the audit alone from then on" : "",
          h("span", { class: "soft" }, ". A forecast until the monitor’s next round", next(), "."),
        ),
      ),
  ];
}

function next() {
  const pace = status.monitor?.interval_seconds;
  return pace ? `, which comes every ${duration(pace)}` : "";
}

function text(entry) {
  return [
    h(
      "div",
      { class: "label-head soft" },
      h("span", {}, entry.text === null ? "Text not stored" : plural([...entry.text].length, "character")),
      entry.segment && h("span", {}, "segment ", name(entry.segment)),
      session.before && h("span", {}, "labelled before: ", name(session.before)),
    ),
    h(
      "div",
      { id: "label-words", class: "label-words", dir: "auto", tabindex: "0", role: "region", "aria-label": "Text to label" },
      entry.text ?? [
        "This service does not keep texts. Find the text by the id of its prediction: ",
        h("code", {}, entry.prediction_id),
      ],
    ),
  ];
}

function nothing() {
  if (session.state === "loading") return h("p", { class: "empty" }, "Drawing a sample …");
  if (session.trouble) return null;
  if (session.skipped)
    return [
      h("p", { class: "empty" }, `All are labelled but the ${plural(session.skipped, "text")} that you skipped.`),
      h("p", {}, h("button", { type: "button", click: () => session.bringBack() }, "Show the skipped ones again")),
    ];
  return [
    h(
      "p",
      { class: "empty" },
      session.labelled.length
        ? "Every prediction that could be asked for is labelled. Thank you."
        : "There is no unlabelled prediction in the accuracy window. Send some to POST /predict first.",
    ),
    h("p", {}, h("button", { type: "button", click: () => session.load() }, "Look again")),
  ];
}

function answers(entry) {
  const labels = status.model?.labels ?? [];
  return [
    h(
      "div",
      { class: "label-choices", role: "group", "aria-label": "Which class is right?" },
      labels.map((label, index) =>
        h(
          "button",
          {
            type: "button",
            class: "choice",
            "data-key": `choice-${index}`,
            "aria-keyshortcuts": index < KEYS ? String(index + 1) : null,
            click: () => session.answer(label),
          },
          index < KEYS ? h("kbd", { "aria-hidden": "true" }, String(index + 1)) : null,
          name(label),
          peek && entry.label === label && h("span", { class: "said" }, `the model, ${percent(entry.confidence, 0)}`),
        ),
      ),
    ),
    h(
      "div",
      { class: "label-tools" },
      tool("s", "Skip", "skip", () => session.skip()),
      session.canUndo && tool("u", "Undo", "undo", () => session.undo()),
      toggle("m", "Show the model’s answer before mine", "peek", peek, (on) => (peek = on)),
      toggle(null, "Keys 1–9, s, u, m", "keys", keys, (on) => (keys = on)),
    ),
  ];
}

const tool = (shortcut, words, id, click) =>
  h(
    "button",
    { type: "button", class: "quiet", "data-key": id, "aria-keyshortcuts": shortcut, click },
    h("kbd", { "aria-hidden": "true" }, shortcut),
    words,
  );

function toggle(shortcut, words, id, checked, set) {
  const change = (event) => {
    set(event.target.checked);
    draw();
  };
  const box = h("input", { type: "checkbox", "data-key": id, "aria-keyshortcuts": shortcut, checked, change });
  return h("label", { class: `toggle ${id}` }, box, shortcut && h("kbd", { "aria-hidden": "true" }, shortcut), words);
}

function complaint() {
  const lost = session.current() ? "Nothing was stored for this text; try again." : "Try again.";
  return h(
    "p",
    { class: "caution" },
    icon("page", 18),
    h("span", {}, session.trouble.message, " ", session.trouble.status === 404 ? "It was left out." : lost),
    !session.current() && h("button", { type: "button", click: () => session.load() }, "Try again"),
  );
}

function verdict({ label, entry }) {
  const same = label === entry.label;
  return h(
    "p",
    { class: `verdict-line ${same ? "tone-ok" : "tone-ticket"}` },
    icon(same ? "ok" : "ticket", 18),
    h(
      "span",
      {},
      "You said ",
      h("strong", {}, name(label)),
      same ? ", and so did the model " : ", the model ",
      !same && [h("strong", {}, name(entry.label)), " "],
      h("span", { class: "soft" }, `(${percent(entry.confidence, 0)} sure)`),
    ),
  );
}

// Keys work wherever the focus is, but for fields, and only while the view is open.
export function listenForKeys(isOpen) {
  document.addEventListener("keydown", (event) => {
    if (!isOpen() || !keys || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.matches?.("input:not([type=checkbox]), textarea, select")) return;
    const labels = status?.model?.labels ?? [];
    const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    if (digit && digit <= labels.length) session.answer(labels[digit - 1]);
    else if (event.key === "s") session.skip();
    else if (event.key === "u") session.undo();
    else if (event.key === "m") {
      peek = !peek;
      draw();
    } else return;
    event.preventDefault();
  });
}
