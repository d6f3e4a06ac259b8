// The mean of the highest score, over time. A model that is sure of everything is not therefore right.

import { svg } from "../dom.js";
import { percent } from "../format.js";
import { linear, runs, shareAxis } from "./scale.js";
import { mark, path, timeChart } from "./frame.js";

const confidence = (point) => point.confidence;

export function confidenceChart(host) {
  return timeChart(host, {
    label: "Mean confidence over time",
    height: 190,
    empty: "No confidence yet. It appears with the first round of checks.",
    shows: (point) => Number.isFinite(confidence(point)),
    legend: [],
    axis(points) {
      const { low, high, ticks } = shareAxis(points.map(confidence), 0.2);
      return { ticks, place: (start, end) => linear(low, high, start, end), format: (tick) => percent(tick, 0) };
    },
    layers: (plot) => svg("g", {},
      runs(plot.points, confidence).map((run) =>
        run.length === 1
          ? mark("circle", plot.x(run[0].at), plot.y(confidence(run[0])), 2.5)
          : svg("path", { class: "line", d: path(run, (point) => plot.x(point.at), (point) => plot.y(confidence(point))) }))),
    marks: (point) => [[confidence(point), "circle"]],
    describe: (point) => `mean confidence ${percent(confidence(point))}`,
    columns: [["Mean confidence", (point) => percent(confidence(point))]],
  });
}
