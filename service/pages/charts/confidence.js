// The mean of the highest score, over time. A model that is sure of everything is not therefore right.

import { svg } from "../dom.js";
import { percent } from "../format.js";
import { linear, runs, shareAxis } from "./scale.js";
import { baselineLine, mark, path, sample, timeChart } from "./frame.js";

const confidence = (point) => point.confidence;

export function confidenceChart(host) {
  return timeChart(host, {
    label: "Mean confidence over time",
    height: 190,
    margin: { right: 58 },
    empty: "No confidence yet. It appears with the first round of checks that finds enough predictions.",
    shows: (point) => Number.isFinite(confidence(point)),
    legend: [
      sample("in the window", svg("path", { class: "line", d: "M0 6h30" })),
      sample("baseline, where known", svg("path", { class: "base", d: "M0 6h30" })),
    ],
    axis(points, { baseline }) {
      const { low, high, ticks } = shareAxis([...points.map(confidence), baseline ?? NaN], 0.2);
      return { ticks, place: (start, end) => linear(low, high, start, end), format: (tick) => percent(tick, 0) };
    },
    layers: (plot) =>
      svg(
        "g",
        {},
        Number.isFinite(plot.extra.baseline) && baselineLine(plot.extra.baseline, plot),
        runs(plot.points, confidence).map((run) =>
          run.length === 1
            ? mark("circle", plot.x(run[0].at), plot.y(confidence(run[0])), 2.5)
            : svg("path", {
                class: "line",
                d: path(
                  run,
                  (point) => plot.x(point.at),
                  (point) => plot.y(confidence(point)),
                ),
              }),
        ),
      ),
    marks: (point) => [[confidence(point), "circle"]],
    describe: (point) => `mean confidence ${percent(confidence(point))}`,
    columns: [["Mean confidence", (point) => percent(confidence(point))]],
  });
}
