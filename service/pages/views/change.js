// Has something changed? The class mix beside the baseline's, and what each check says.

import { byId, h, name, redraw } from "../dom.js";
import { count, percent, score } from "../format.js";
import { icon } from "../icons.js";
import { shareRow, shareTable } from "../charts/shares.js";
import { scoreBar } from "../charts/strips.js";
import { aspect, state } from "../words.js";

const SHOWN = 10;
const DETAILS = 14;

export function drawClassMix({ model }, { mix, baseline }) {
  redraw(byId("class-mix"), [model?.labels, mix, baseline], () => {
    if (!mix)
      return h(
        "p",
        { class: "empty" },
        "No class mix yet. It appears with the first round of checks that finds enough predictions.",
      );
    const order = model?.labels ?? [];
    const labels = [...new Set([...order, ...Object.keys(mix), ...Object.keys(baseline ?? {})])];
    const moved = (label) => Math.abs((mix[label] ?? 0) - (baseline?.[label] ?? 0));
    if (labels.length > SHOWN) labels.sort((a, b) => moved(b) - moved(a));
    const widest = Math.max(...labels.flatMap((label) => [mix[label] ?? 0, baseline?.[label] ?? 0]));
    const rows = labels.map((label) =>
      shareRow(label, mix[label] ?? 0, baseline?.[label] ?? (baseline ? 0 : NaN), widest),
    );
    const rest = rows.splice(SHOWN);
    return [
      h(
        "p",
        { class: "soft small" },
        "Share of each class in the newest window; the upright line is the baseline. “Moved” is in points.",
      ),
      shareTable("Class", rows),
      rest.length > 0 &&
        h(
          "details",
          { class: "numbers", "data-key": "classes" },
          h("summary", {}, `${rest.length} more classes, which moved less`),
          shareTable("Class", rest),
        ),
    ];
  });
}

export function drawChecks({ checks, monitor }) {
  redraw(byId("checks"), [checks, Boolean(monitor?.last_round)], () => {
    if (!checks?.length)
      return h(
        "p",
        { class: "empty" },
        "No check has run yet. The monitor runs them in rounds; start it with “bertwatch monitor”, or let “bertwatch serve” start it.",
      );
    const rows = [...checks].sort((a, b) => state(a).order - state(b).order);
    // The roles keep it a table for a screen reader where a narrow screen lays it out as a list.
    return h(
      "table",
      { class: "checks", role: "table", "aria-labelledby": "checks-title" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          ["Check", "State", "Score and threshold", "Rows", "What it saw"].map((text) =>
            h("th", { scope: "col", role: "columnheader" }, text),
          ),
        ),
      ),
      h("tbody", { role: "rowgroup" }, rows.map(checkRow)),
    );
  });
}

function checkRow(check) {
  const { title, icon: shape } = state(check);
  const cell = (label, ...children) => h("td", { role: "cell", "data-label": label }, children);
  return h(
    "tr",
    { role: "row", class: `state-${shape}` },
    h(
      "th",
      { scope: "row", role: "rowheader" },
      name(check.title ?? check.check),
      h("span", { class: "aspect" }, aspect(check.aspect)),
    ),
    cell("State", h("span", { class: `state tone-${shape}` }, icon(shape, 16), title)),
    cell("Score", scoreCell(check)),
    cell("Rows", count(check.count)),
    cell("Summary", h("p", { class: "summary", dir: "auto" }, check.summary ?? ""), more(check)),
  );
}

function scoreCell({ score: value, threshold, p_value: p }) {
  if (!Number.isFinite(value)) return h("span", { class: "soft" }, "no score");
  if (!(threshold > 0)) return h("span", {}, score(value));
  return h(
    "div",
    { class: "scored" },
    h("span", {}, h("strong", {}, score(value)), h("span", { class: "soft" }, ` of ${score(threshold)}`)),
    scoreBar(value, threshold),
    Number.isFinite(p) && h("span", { class: "soft small" }, `p = ${score(p)}`),
  );
}

// What a check measured besides, as names and values; whatever their shape, they end as text.
function more({ check, details, estimate }) {
  const facts = [];
  if (estimate)
    facts.push(["estimate", `${percent(estimate.value)} (${percent(estimate.low)} to ${percent(estimate.high)})`]);
  const { title: _, ...figures } = details ?? {};
  flatten(figures, [], facts);
  if (facts.length === 0) return null;
  const left = facts.length - DETAILS;
  return h(
    "details",
    { class: "more", "data-key": `check-${check}` },
    h("summary", {}, "Figures"),
    h(
      "dl",
      {},
      facts.slice(0, DETAILS).map(([path, text]) => h("div", {}, h("dt", {}, name(path)), h("dd", {}, name(text)))),
    ),
    left > 0 && h("p", { class: "soft" }, `and ${count(left)} more, in /status`),
  );
}

function flatten(value, path, facts) {
  if (facts.length > 500) return;
  if (value !== null && typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) flatten(inner, [...path, key.replaceAll("_", " ")], facts);
  } else if (value !== null && value !== undefined) {
    facts.push([path.join(" · "), typeof value === "number" ? score(value) : String(value)]);
  }
}
