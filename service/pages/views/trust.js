// Can I trust this page? How old everything is, and what exactly is being watched.

import { ago } from "../clock.js";
import { byId, h, name, redraw } from "../dom.js";
import { clockSeconds, count, duration, percent } from "../format.js";
import { icon } from "../icons.js";

export function drawServed({ model }) {
  redraw(
    byId("served"),
    model,
    () =>
      model && [
        name(model.name || "unnamed model"),
        h("span", { class: "soft" }, " version "),
        h("code", {}, name(model.version)),
      ],
  );
}

export function drawTrust({ model, monitor, accuracy, estimated_accuracy: estimate }, trip) {
  const facts = { model, monitor, accuracy, estimate, trip };
  redraw(byId("trust-facts"), facts, () =>
    h(
      "div",
      { class: "pair" },
      h(
        "div",
        {},
        h("h3", {}, "Freshness"),
        h(
          "dl",
          { class: "ledger" },
          row("Monitor", ...rounds(monitor)),
          row("This page", `the service answered its last question in ${duration(trip)}`),
          row(
            "Labels",
            accuracy
              ? `accuracy rests on ${count(accuracy.labels)}; ${percent(accuracy.coverage)} of predictions have one`
              : "none; accuracy cannot be measured without them",
          ),
          row("Estimate", !estimate ? "none yet" : estimate.trusted ? "trusted" : "not to be trusted now"),
        ),
      ),
      h(
        "div",
        {},
        h("h3", {}, "Model and baseline"),
        model ? ledger(model) : h("p", { class: "empty" }, "No model is being served."),
      ),
    ),
  );
}

function rounds(monitor) {
  const pace = monitor?.interval_seconds ? `every ${duration(monitor.interval_seconds)}` : "";
  if (!monitor?.last_round) return ["has not run yet; it works ", pace || "in rounds"];
  if (monitor.stale)
    return [
      h("strong", { class: "tone-page" }, icon("stale", 16), "stopped: last round ", ago(monitor.last_round)),
      `; it should run ${pace}`,
    ];
  return ["last round ", ago(monitor.last_round), "; ", pace];
}

function ledger({ name: called, version, engine, precision, baseline, labels, cut_off: cut }) {
  return h(
    "dl",
    { class: "ledger" },
    row("Model", name(called || "unnamed")),
    row("Version", h("code", {}, name(version))),
    row("Engine", [engine, precision].filter(Boolean).join(", ") || "—"),
    row("Baseline", baseline ? h("code", {}, name(baseline)) : "none: make one with “bertwatch baseline”"),
    row(
      "Classes",
      labels?.length
        ? [
            `${count(labels.length)}: `,
            labels.slice(0, 12).map((label, index) => [index ? ", " : "", name(label)]),
            labels.length > 12 && " …",
          ]
        : "—",
    ),
    cut && row("Cut-off", name(cut.label), ` from a score of ${cut.value} on`),
  );
}

const row = (term, ...description) => h("div", {}, h("dt", {}, term), h("dd", {}, description));

// The line in the masthead, and the loud bar below it when the service is gone. `health`: {at, trouble}.
export function drawFreshness({ at, trouble, needsKey }, retry) {
  redraw(byId("fresh"), [at, trouble, needsKey], () => {
    if (needsKey) return "Waiting for a key";
    if (trouble) return [icon("failed", 14), "Not updated"];
    return at === null ? "Asking the service …" : ["Updated ", ago(new Date(at).toISOString())];
  });
  redraw(byId("gone-said"), trouble, () => trouble);
  redraw(
    byId("gone"),
    [trouble, at],
    () =>
      trouble &&
      h(
        "div",
        { class: "gone" },
        icon("page", 24),
        h(
          "p",
          {},
          h("strong", {}, trouble),
          at === null
            ? " This page keeps trying."
            : [
                ` What stands below is from ${clockSeconds(at)}, `,
                ago(new Date(at).toISOString()),
                ". This page keeps trying.",
              ],
        ),
        h("button", { type: "button", "data-key": "retry", click: retry }, "Try now"),
      ),
  );
}

export function drawZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  byId("zone").textContent = `Times are those of your time zone${zone ? ` (${zone})` : ""}.`;
}
