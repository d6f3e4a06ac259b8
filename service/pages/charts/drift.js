// Drift over time: the worst score of a round as a multiple of its own threshold, so that 1 is the alarm line
// for every check; with the episodes behind it and the severity of every round beneath it.

import { svg } from "../dom.js";
import { number, score } from "../format.js";
import { severity } from "../words.js";
import { driftAxis, linear, root, runs } from "./scale.js";
import { mark, path, sample, timeChart } from "./frame.js";

const drift = (point) => point.drift;
const over = (point) => drift(point) > 1;

export function driftChart(host) {
  return timeChart(host, {
    label: "Drift over time",
    height: 260,
    margin: { top: 26, right: 58 },
    empty: "No drift score yet. The first round of checks that has enough predictions draws the first point.",
    shows: (point) => Number.isFinite(drift(point)),
    legend: [
      sample("worst check, score ÷ threshold", svg("path", { class: "line", d: "M0 6h30" })),
      sample("alarm", svg("path", { class: "line", d: "M0 6h30" }), mark("triangle", 15, 6, 4)),
      sample("alarm line", svg("path", { class: "limit", d: "M0 6h30" })),
      sample(
        "episode",
        hatch("episode-sample"),
        svg("rect", { class: "episode", width: 30, height: 12 }),
        svg("rect", { width: 30, height: 12, fill: "url(#episode-sample)" }),
      ),
    ],
    axis(points) {
      const { high, ticks, square } = driftAxis(points.map(drift));
      const place = square ? (start, end) => root(high, start, end) : (start, end) => linear(0, high, start, end);
      return { ticks, place, format: (tick) => `${number(tick, Number.isInteger(tick) ? 0 : 1)}×` };
    },
    layers,
    marks: (point) => [[drift(point), over(point) ? "triangle" : "circle"]],
    describe: (point) =>
      Number.isFinite(drift(point))
        ? `${score(drift(point))} times the threshold, ${over(point) ? "over" : "under"} the alarm line`
        : "no score",
    columns: [
      ["Score ÷ threshold", (point) => score(drift(point))],
      ["Alarm", (point) => (over(point) ? "yes" : "no")],
      ["Severity", (point) => severity(point.severity).title],
    ],
  });
}

function layers(plot) {
  const x = (point) => plot.x(point.at);
  const y = (point) => plot.y(drift(point));
  const known = runs(plot.points, drift);
  const alarms = plot.points.filter(over);
  const every = Math.ceil(alarms.length / Math.max(8, (plot.right - plot.left) / 16));
  return svg(
    "g",
    {},
    svg("defs", {}, hatch("episode-hatch")),
    (plot.extra.episodes ?? []).map((episode) => shade(episode, plot)),
    known.map((run) =>
      svg("path", { class: "under", d: `${path(run, x, y)}L${x(run[run.length - 1])} ${plot.bottom}H${x(run[0])}Z` }),
    ),
    svg("path", { class: "limit", d: `M${plot.left} ${plot.y(1)}H${plot.right}` }),
    svg("text", { class: "note", x: plot.right + 7, y: plot.y(1) + 4 }, "alarm"),
    known.map((run) => svg("path", { class: "line", d: path(run, x, y) })),
    alarms
      .filter((point, index) => index % every === 0 || point === alarms[alarms.length - 1])
      .map((point) => mark("triangle", x(point), y(point), 3.5)),
  );
}

function shade({ opened, resolved }, plot) {
  const from = Math.max(plot.left, plot.x(opened));
  const to = Math.min(plot.right, plot.x(resolved ?? plot.to));
  if (to <= plot.left || from >= plot.right) return null;
  const box = { x: from, y: plot.top, width: Math.max(2, to - from), height: plot.bottom - plot.top };
  return [
    svg("rect", { class: "episode", ...box }),
    svg("rect", { fill: "url(#episode-hatch)", ...box }),
    svg("path", { class: "episode-edge", d: `M${from} ${plot.top}V${plot.bottom}` }),
    to - from > 62 && svg("text", { class: "note", x: from, y: plot.top - 8 }, resolved ? "episode" : "episode, open"),
  ];
}

const hatch = (id) =>
  svg(
    "pattern",
    { id, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("path", { class: "hatch", d: "M0 0V8" }),
  );
