// The status page: asks the service for what it knows, again and again, and hands it to the views.
// The one file that sees everything; a view knows neither the service nor another view.

import { askJson, key, Unanswered } from "./api.js";
import { accuracyChart } from "./charts/accuracy.js";
import { confidenceChart } from "./charts/confidence.js";
import { driftChart } from "./charts/drift.js";
import { setByHeader, now, tick } from "./clock.js";
import { byId, h, redraw } from "./dom.js";
import { poll } from "./poll.js";
import { drawAccuracy } from "./views/accuracy.js";
import { drawLabelling, listenForKeys } from "./label/view.js";
import { drawAnswers } from "./views/answers.js";
import { drawBlame } from "./views/blame.js";
import { drawChecks, drawClassMix } from "./views/change.js";
import { drawEpisodes, drawReports, listenForReports } from "./views/happened.js";
import { drawKey } from "./views/key.js";
import { drawSpeed, remember } from "./views/speed.js";
import { drawFreshness, drawServed, drawTrust, drawZone } from "./views/trust.js";
import { drawVerdict } from "./views/verdict.js";

const STATUS_PACE = 3_000;
const HISTORY_PACE = 15_000;
const SPANS = [
  [1, "1 h"],
  [6, "6 h"],
  [24, "24 h"],
  [168, "7 d"],
];

let hours = 24;
let status = null;
let history = null;
let historyTrouble = null;
let trip = null;
let health = { at: null, trouble: null, needsKey: null };

const charts = {
  accuracy: accuracyChart(byId("accuracy-chart")),
  drift: driftChart(byId("drift-chart")),
  confidence: confidenceChart(byId("confidence-chart")),
};

const statusPoll = poll(STATUS_PACE, async () => {
  const started = performance.now();
  return answered(
    async () => {
      const { body, date } = await askJson("/status");
      trip = (performance.now() - started) / 1000;
      setByHeader(date);
      const opening = health.needsKey !== null;
      status = body;
      // Before its first round a monitor has not stopped; it has yet to begin.
      if (body.monitor?.last_round === null) body.monitor.stale = false;
      health = { at: now(), trouble: null, needsKey: null };
      remember(body.predictions?.total);
      if (opening) historyPoll.now();
    },
    (trouble) => {
      health = { ...health, trouble };
    },
  );
});

const historyPoll = poll(HISTORY_PACE, async () => {
  const asked = hours;
  return answered(
    async () => {
      const { body } = await askJson(`/status/history?hours=${asked}`);
      if (asked === hours) history = body;
      historyTrouble = null;
    },
    (trouble) => {
      historyTrouble = trouble;
    },
  );
});

// True: answered; false: not; null: no use to ask again before there is a key.
async function answered(question, complain) {
  try {
    await question();
    return true;
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    if (error.kind === "key") health = { ...health, trouble: null, needsKey: key.get() ? "wrong" : "first" };
    else complain(error.message);
    return error.kind === "key" ? null : false;
  } finally {
    draw();
  }
}

const labelling = () => location.hash === "#label";

function draw() {
  drawKey(health.needsKey, statusPoll.now);
  drawFreshness(health, statusPoll.now);
  const closed = health.needsKey !== null || status === null;
  byId("served").hidden = closed;
  byId("label-view").hidden = closed || !labelling();
  for (const id of ["verdict", "answers", "status-view"]) byId(id).hidden = closed || labelling();
  if (closed) {
    byId("verdict").hidden = health.needsKey !== null || labelling();
    byId("masthead").dataset.tone = "unknown";
    return;
  }
  drawServed(status);
  drawLabelling(status, labelling());
  drawVerdict(status, health.trouble);
  if (labelling()) document.title = "Label a sample · bertwatch";
  drawAnswers(status, health.trouble);
  drawAccuracy(status);
  drawSpeed(status);
  drawBlame(status);
  drawChecks(status);
  drawEpisodes(status);
  drawReports(status);
  drawTrust(status, trip);
  drawHistory();
}

function drawHistory() {
  const said = health.trouble ? null : historyTrouble;
  redraw(byId("history-said"), said, () => said && `The history cannot be read now: ${said}`);
  if (history === null) return;
  const points = (history.points ?? [])
    .map((point) => ({ ...point, at: Date.parse(point.time) }))
    .filter((point) => Number.isFinite(point.at));
  const newest = points.findLast((point) => point.class_mix);
  const details = status.verdict?.details ?? {};
  const baseline = history.baseline ?? {};
  const episodes = (status.episodes ?? []).map(({ opened, resolved }) => ({
    opened: Date.parse(opened),
    resolved: resolved ? Date.parse(resolved) : null,
  }));
  charts.accuracy.update(points, { baseline: baseline.accuracy ?? null });
  charts.drift.update(points, { episodes });
  charts.confidence.update(points, { baseline: details.baseline_confidence ?? null });
  drawClassMix(status, {
    mix: details.class_mix ?? newest?.class_mix ?? null,
    baseline: baseline.class_mix ?? details.baseline_class_mix ?? null,
  });
}

function drawSpans() {
  byId("span").append(
    ...SPANS.map(([value, words]) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "span",
          value,
          checked: value === hours,
          change: () => {
            hours = value;
            historyPoll.now();
          },
        }),
        h("span", {}, words),
      ),
    ),
  );
}

// The browser has looked for the place before it was in sight.
function turn() {
  draw();
  if (!labelling()) byId(location.hash.slice(1) || "masthead")?.scrollIntoView();
}

drawSpans();
drawZone();
listenForReports(statusPoll.now);
listenForKeys(labelling);
window.addEventListener("hashchange", turn);
setInterval(tick, 1000);
statusPoll.now();
historyPoll.now();
