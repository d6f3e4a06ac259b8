// A table of shares now and in the baseline, each with its drawing. Knows neither classes nor words.

import { h, name } from "../dom.js";
import { percent, signedPoints } from "../format.js";
import { shareBar } from "./strips.js";

export const shareTable = (what, rows) =>
  h(
    "table",
    { class: "mix" },
    h(
      "thead",
      {},
      h("tr", {}, [
        h("th", { scope: "col" }, what),
        h("th", { scope: "col" }, h("span", { class: "unseen" }, "Drawing")),
        ["Now", "Baseline", "Moved"].map((text) => h("th", { scope: "col" }, text)),
      ]),
    ),
    h("tbody", {}, rows),
  );

export function shareRow(label, now, baseline, widest) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name(label)),
    h("td", { class: "drawing" }, shareBar(now, baseline, widest)),
    h("td", {}, percent(now)),
    h("td", {}, percent(baseline)),
    h("td", {}, Number.isFinite(baseline) ? signedPoints(now - baseline) : "—"),
  );
}
