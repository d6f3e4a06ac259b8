// The verdict in words, with what it rests on; or, where no verdict can be believed, why.

import { ago, now } from "../clock.js";
import { byId, h, redraw } from "../dom.js";
import { count, duration, plural, when } from "../format.js";
import { icon } from "../icons.js";
import { kind, severity } from "../words.js";

// What the page may claim: {tone, title, meaning}. A verdict is history when the monitor has stopped, or when
// the service does not answer.
export function standing({ verdict, monitor, model, predictions }, trouble) {
  if (trouble && verdict) {
    return {
      tone: "gone",
      title: `Last known: ${kind(verdict.kind).short}.`,
      meaning: "The service does not answer now, so nobody can say whether that still holds.",
    };
  }
  if (monitor?.stale) {
    const last = verdict
      ? `The last verdict was: ${kind(verdict.kind).short}. It says nothing about now.`
      : "It has not given a verdict yet.";
    return {
      tone: "stale",
      title: "The monitor has stopped.",
      meaning: `${last} Look at the log of the monitor, and start it again.`,
    };
  }
  if (!verdict)
    return { tone: "unknown", title: "Nothing to judge yet.", meaning: beginning(predictions, model, monitor) };
  const tone = verdict.kind === "insufficient_data" ? "unknown" : severity(verdict.severity).tone;
  return { tone, title: kind(verdict.kind).title, meaning: kind(verdict.kind).meaning };
}

function beginning(predictions, model, monitor) {
  if (!model?.baseline)
    return "The service has no baseline to hold traffic to: make one with “bertwatch baseline”, and start “bertwatch serve” with --baseline.";
  if (!predictions?.total) return "No prediction has been asked for. Send the first one to POST /predict.";
  const pace = monitor?.interval_seconds ? `, every ${duration(monitor.interval_seconds)}` : "";
  return `${plural(predictions.total, "prediction is", "predictions are")} in the log. The first verdict comes with the next round of checks${pace}.`;
}

export function drawVerdict(status, trouble) {
  const stand = standing(status, trouble);
  const { verdict, monitor } = status;
  byId("masthead").dataset.tone = stand.tone;
  document.title = `${stand.title.replace(/\.$/, "")} · bertwatch`;
  redraw(byId("verdict-icon"), stand.tone, () => icon(stand.tone, 56));
  // Read aloud when it changes; the facts below tick by the second and must not be.
  redraw(byId("verdict-said"), stand, () => [h("h1", {}, stand.title), h("p", { class: "meaning" }, stand.meaning)]);
  redraw(byId("verdict-facts"), [verdict, monitor?.stale, status.predictions?.total === 0], () => {
    const current = verdict && !monitor?.stale;
    return [
      current && facts(verdict),
      current && verdict.reasons?.length > 0 && reasons(verdict.reasons),
      status.predictions?.total === 0 && first(),
    ];
  });
}

const first = () =>
  h(
    "pre",
    { class: "command" },
    `curl ${location.origin}/predict -H 'Content-Type: application/json' -d '{"text": "Oil reached a new high on Monday."}'`,
  );

function facts({ severity: level, since, window }) {
  const { title, tone } = severity(level);
  const last = window && Number.isFinite(Date.parse(window.end)) ? Date.parse(window.end) : null;
  return h(
    "p",
    { class: "verdict-facts" },
    h("strong", { class: `severity tone-${tone}` }, title),
    since &&
      h(
        "span",
        {},
        "since ",
        h("time", { datetime: since }, when(Date.parse(since), now())),
        " (",
        ago(since, ""),
        ")",
      ),
    last !== null &&
      h(
        "span",
        {},
        `judged on ${count(window.count)} predictions from ${when(Date.parse(window.start), last)} to ${when(last, now())}`,
      ),
  );
}

const reasons = (sentences) =>
  h(
    "ul",
    { class: "reasons", "aria-label": "Reasons" },
    sentences.map((sentence) => h("li", { dir: "auto" }, sentence)),
  );
