// Is it fast? How much is asked, how often, and how quickly it is answered where the service says so.

import { ago } from "../clock.js";
import { byId, h, redraw } from "../dom.js";
import { count, duration, number } from "../format.js";

const MEMORY = 60_000;
let seen = [];

// The totals of the last minute of polls; a total that falls means another log, so the count starts anew.
export function remember(total, at = performance.now()) {
  if (!Number.isFinite(total)) return;
  if (seen.length && total < seen[seen.length - 1].total) seen = [];
  seen.push({ total, at });
  while (seen.length > 2 && at - seen[1].at > MEMORY) seen.shift();
}

// "38 a minute now", once ten seconds have been watched.
export function rate() {
  if (seen.length < 2) return null;
  const [first, last] = [seen[0], seen[seen.length - 1]];
  const seconds = (last.at - first.at) / 1000;
  if (seconds < 10) return null;
  const each = (last.total - first.total) / seconds;
  return each >= 1 ? `${number(each, each < 10 ? 1 : 0)} a second now` : `${number(each * 60, 0)} a minute now`;
}

// Seconds, where the service tells them ({p50, p99} of the last five minutes); null where it does not.
export function latency(predictions) {
  const { p50, p99 } = predictions?.latency ?? {};
  return { p50: Number.isFinite(p50) ? p50 : null, p99: Number.isFinite(p99) ? p99 : null };
}

export function drawSpeed({ predictions }) {
  const { p50, p99 } = latency(predictions);
  redraw(byId("speed"), [predictions, rate()], () =>
    h(
      "dl",
      { class: "figures" },
      p99 !== null && figure("Answer time", duration(p50), `at the median; p99 ${duration(p99)}, last five minutes`),
      figure("Predictions", count(predictions?.total), "in the log, all answered and kept"),
      figure("Last hour", count(predictions?.last_hour), rate() ?? "the present rate is being measured …"),
      figure(
        "Newest",
        predictions?.newest ? ago(predictions.newest) : "none yet",
        predictions?.newest ? "is when the last answer was given" : example(),
      ),
    ),
  );
}

const example = () => ["send one: ", h("code", {}, 'POST /predict {"text": "…"}')];

const figure = (term, value, note) =>
  h("div", {}, h("dt", {}, term), h("dd", { class: "middling" }, value), h("dd", { class: "soft" }, note));
