// The four questions with an answer of one line each, which lead to the long answers.

import { byId, h, redraw } from "../dom.js";
import { against, count, duration, percent, plural } from "../format.js";
import { now } from "../clock.js";
import { icon } from "../icons.js";
import { informs } from "../words.js";
import { latency, rate } from "./speed.js";

export function drawAnswers(status, trouble) {
  const known = [
    ["right", "Is it right?", ...right(status)],
    ["fast", "Is it fast?", ...fast(status)],
    ["changed", "Has something changed?", ...changed(status)],
    ["trust", "Can I trust this page?", ...(trouble ? ["gone", "No: the service does not answer"] : trust(status))],
  ];
  const answers = known.map(([id, question, tone, answer]) => [id, question, trouble ? "gone" : tone, answer]);
  redraw(byId("answers"), answers, () =>
    h(
      "ul",
      {},
      answers.map(([id, question, tone, answer]) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: `#${id}`, "data-key": id },
            icon(tone, 18),
            h("span", { class: "asked" }, question),
            h("span", { class: "answered" }, answer),
          ),
        ),
      ),
    ),
  );
}

function right({ accuracy, estimated_accuracy: estimate, verdict, monitor }) {
  if (accuracy && monitor?.stale) return ["stale", `It was: ${percent(accuracy.value)} at the last round`];
  if (accuracy) {
    const tone =
      verdict?.kind === "harmful"
        ? "page"
        : Number.isFinite(accuracy.baseline) && accuracy.high < accuracy.baseline
          ? "ticket"
          : "ok";
    return [tone, `${percent(accuracy.value)}, ${against(accuracy.value, accuracy.baseline)}`];
  }
  if (estimate?.trusted) return ["notice", `About ${percent(estimate.value, 0)}, estimated without labels`];
  return ["unknown", "Not known: no labels yet"];
}

function fast({ predictions }) {
  const { p50, p99 } = latency(predictions);
  const pace =
    rate() ?? (Number.isFinite(predictions?.last_hour) ? `${count(predictions.last_hour)} in the last hour` : null);
  if (p99 !== null) return ["ok", `${duration(p50)} at the median, ${duration(p99)} at p99`];
  if (!predictions?.total) return ["unknown", "No prediction yet"];
  return ["notice", pace ?? plural(predictions.total, "prediction")];
}

function changed({ checks, monitor }) {
  if (monitor?.stale) return ["stale", "Not known: nothing has been checked since"];
  if (!checks?.length) return ["unknown", "Not known: no check has run yet"];
  const judges = checks.filter((check) => !informs(check));
  const inState = (state) => judges.filter((check) => check.state === state).length;
  if (inState("alarm")) return ["ticket", `${inState("alarm")} of ${plural(judges.length, "check")} in alarm`];
  if (inState("failed")) return ["ticket", `${plural(inState("failed"), "check")} failed to run`];
  if (inState("ok")) return ["ok", `No: ${plural(inState("ok"), "check")} quiet`];
  return ["unknown", "Too little data to say"];
}

function trust({ monitor, accuracy }) {
  if (!monitor?.last_round) return ["unknown", "Not yet: the monitor has not run"];
  if (monitor.stale) {
    // Whole minutes: the answer is drawn anew when it changes, and a screen reader reads it then.
    const minutes = Math.floor((now() - Date.parse(monitor.last_round)) / 60_000);
    const age = minutes > 0 ? duration(minutes * 60) : "less than a minute";
    return ["stale", `No: the last round was ${age} ago`];
  }
  const labels = accuracy ? `, with ${plural(accuracy.labels, "label")}` : ", but without labels";
  return [accuracy ? "ok" : "notice", `Yes: checked every ${duration(monitor.interval_seconds)}${labels}`];
}
