// Small drawings beside a number: an interval against the baseline, a score against its threshold,
// a share against its share in the baseline. The words beside them say the same.

import { svg } from "../dom.js";
import { number } from "../format.js";
import { linear, shareAxis } from "./scale.js";

const hidden = { "aria-hidden": "true", focusable: "false", preserveAspectRatio: "none" };

export function intervalStrip({ value, low, high }, baseline) {
  const axis = shareAxis([low, high, value, baseline ?? NaN]);
  const x = linear(axis.low, axis.high, 14, 286);
  return svg(
    "svg",
    { class: "strip", viewBox: "0 0 300 46", width: 300, height: 46, "aria-hidden": "true", focusable: "false" },
    svg("path", { class: "rule", d: "M14 16H286" }),
    axis.ticks.map((tick) => [
      svg("path", { class: "rule", d: `M${x(tick)} 13v6` }),
      svg("text", { x: x(tick), y: 40, "text-anchor": "middle" }, number(tick * 100, 0)),
    ]),
    svg("rect", { class: "reach", x: x(low), y: 10, width: Math.max(2, x(high) - x(low)), height: 12, rx: 2 }),
    svg("circle", { class: "dot", cx: x(value), cy: 16, r: 6.5 }),
    Number.isFinite(baseline) && svg("path", { class: "base", d: `M${x(baseline)} 1V27` }),
  );
}

// The threshold stands in the middle; what is more than twice as large ends at the edge, with an arrow.
export function scoreBar(score, threshold) {
  const share = Math.min(score / threshold, 2) / 2;
  return svg(
    "svg",
    { class: `score-bar ${score > threshold ? "over" : ""}`, viewBox: "0 0 100 12", ...hidden },
    svg("rect", { class: "track", y: 4, width: 100, height: 4 }),
    svg("rect", { class: "value", y: 3, width: Math.max(1, share * 100), height: 6 }),
    svg("rect", { class: "threshold", x: 49.2, width: 1.6, height: 12 }),
  );
}

export function shareBar(now, baseline, widest) {
  const width = (share) => (widest > 0 ? (share / widest) * 100 : 0);
  return svg(
    "svg",
    { class: "share-bar", viewBox: "0 0 101 14", ...hidden },
    svg("rect", { class: "track", y: 3, width: 101, height: 8 }),
    Number.isFinite(now) && svg("rect", { class: "value", y: 3, width: width(now), height: 8 }),
    Number.isFinite(baseline) &&
      svg("rect", { class: "threshold", x: Math.max(0, width(baseline) - 0.4), width: 0.9, height: 14 }),
  );
}
