// Accuracy over time: what labels say, with its interval; the baseline; and, dashed, the estimate without labels.

import { svg } from "../dom.js";
import { count, percent } from "../format.js";
import { linear, runs, shareAxis } from "./scale.js";
import { baselineLine, mark, path, sample, timeChart } from "./frame.js";

const CROWDED = 50;

const measured = (point) => point.accuracy?.value;
const estimated = (point) => point.estimated_accuracy?.value;
const trusted = (point) => point.estimated_accuracy?.trusted === true;

export function accuracyChart(host) {
  return timeChart(host, {
    label: "Accuracy over time",
    height: 350,
    margin: { right: 58 },
    empty: "No accuracy yet. It is drawn from the first round on that finds labels: send them to POST /feedback.",
    shows: (point) => Number.isFinite(measured(point)) || Number.isFinite(estimated(point)),
    legend: [
      sample(
        "accuracy from labels",
        svg("rect", { class: "band", width: 30, height: 12 }),
        svg("path", { class: "line", d: "M0 6h30" }),
        mark("circle", 15, 6, 3),
      ),
      sample("baseline", svg("path", { class: "base", d: "M0 6h30" })),
      sample("estimated", svg("path", { class: "guess", d: "M0 6h30" }), mark("diamond", 15, 6, 3)),
      sample("estimate not to be trusted", svg("path", { class: "guess doubtful", d: "M0 6h30" })),
    ],
    axis(points, { baseline }) {
      const values = points.flatMap((point) => [point.accuracy?.low, point.accuracy?.high, estimated(point)]);
      const { low, high, ticks } = shareAxis([...values, baseline ?? NaN]);
      return {
        ticks,
        place: (start, end) => linear(low, high, start, end),
        format: (tick) => percent(tick, Number.isInteger(Math.round(tick * 1000) / 10) ? 0 : 1),
      };
    },
    layers,
    marks: (point) => [
      [measured(point), "circle"],
      [estimated(point), "diamond"],
    ],
    describe,
    columns: [
      ["Accuracy", (point) => percent(measured(point))],
      ["Interval", (point) => interval(point.accuracy)],
      ["Labels", (point) => count(point.accuracy?.labels)],
      ["Estimated", (point) => percent(estimated(point))],
      ["Trusted", (point) => (point.estimated_accuracy ? (trusted(point) ? "yes" : "no") : "—")],
    ],
  });
}

const interval = (value) => (value ? `${percent(value.low)} to ${percent(value.high)}` : "—");

function describe(point) {
  const real = point.accuracy
    ? `accuracy ${percent(measured(point))} (${interval(point.accuracy)}, ${count(point.accuracy.labels)} labels)`
    : "no labels";
  const guess = point.estimated_accuracy
    ? `; estimated ${percent(estimated(point))}${trusted(point) ? "" : ", not to be trusted"}`
    : "";
  return real + guess;
}

function layers(plot) {
  const x = (point) => plot.x(point.at);
  const line = (value) => (run) => path(run, x, (point) => plot.y(value(point)));
  const { baseline } = plot.extra;
  const known = runs(plot.points, measured);
  return svg(
    "g",
    {},
    known.map((run) => band(run, plot, x)),
    Number.isFinite(baseline) && baselineLine(baseline, plot),
    stretches(plot.points).map(({ run, believed }) =>
      svg("path", { class: believed ? "guess" : "guess doubtful", d: line(estimated)(run) }),
    ),
    known.map((run) => svg("path", { class: "line", d: line(measured)(run) })),
    plot.points.length <= CROWDED &&
      known.flat().map((point) => mark("circle", x(point), plot.y(measured(point)), 2.5)),
  );
}

function band(run, plot, x) {
  if (run.length === 1)
    return svg("path", {
      class: "whisker",
      d: `M${x(run[0])} ${plot.y(run[0].accuracy.low)}V${plot.y(run[0].accuracy.high)}`,
    });
  const upper = path(run, x, (point) => plot.y(point.accuracy.high));
  const lower = path([...run].reverse(), x, (point) => plot.y(point.accuracy.low));
  return svg("path", { class: "band", d: `${upper}${lower.replace("M", "L")}Z` });
}

// Runs of the estimate that are believed throughout, or doubted throughout; neighbours share a point.
function stretches(points) {
  return runs(points, estimated).flatMap((run) => {
    const parts = [];
    for (const point of run) {
      const last = parts[parts.length - 1];
      if (last?.believed === trusted(point)) last.run.push(point);
      else parts.push({ believed: trusted(point), run: last ? [last.run[last.run.length - 1], point] : [point] });
    }
    return parts;
  });
}
