// What carries a change: words that come more or less often, segments that do worst, predictions to look at.
// They stand in the details of a verdict that asks for attention, and only where texts are stored.

import { byId, h, name, redraw } from "../dom.js";
import { count, percent, plural, score } from "../format.js";
import { shareRow, shareTable } from "../charts/shares.js";

export function drawBlame({ verdict }) {
  const { words, segments, examples } = verdict?.details ?? {};
  redraw(byId("blame"), [words, segments, examples], () => {
    const said = wordPart(words);
    const others = [segmentPart(segments), examplePart(examples)].filter(Boolean);
    if (!said && !others.length) return [];
    return [
      h("h3", {}, "What carries the change"),
      h("div", { class: "blame" }, said, others.length > 0 && h("div", {}, others)),
    ];
  });
}

const list = (value) => (Array.isArray(value) ? value : []);

function wordPart(words) {
  const [over, under] = [list(words?.over), list(words?.under)];
  if (!over.length && !under.length) return null;
  const widest = Math.max(...[...over, ...under].flatMap((each) => [each.window ?? 0, each.baseline ?? 0]));
  const table = (title, rows) =>
    rows.length > 0 && [
      h("h4", {}, title),
      shareTable(
        "Word",
        rows.map((each) => shareRow(each.word, each.window, each.baseline, widest)),
      ),
    ];
  return h(
    "div",
    {},
    h("p", { class: "soft small" }, "Share of texts that hold the word; the upright line is the baseline."),
    table("Words that come more often", over),
    table("Words that come less often", under),
  );
}

function segmentPart(segments) {
  if (!list(segments).length) return null;
  return h(
    "div",
    {},
    h("h4", {}, "Segments that stand out"),
    h("ol", { class: "segments" }, list(segments).map(segmentItem)),
  );
}

function segmentItem(each) {
  const { segment, rows, share, accuracy, low, high, labels, baseline_accuracy: before, effect, column } = each;
  return h(
    "li",
    {},
    h("strong", {}, name(segment)),
    h("span", { class: "soft" }, ` ${plural(rows, "prediction")}, ${percent(share, 0)} of the window`),
    Number.isFinite(accuracy) &&
      h(
        "p",
        {},
        `Accuracy ${percent(accuracy)} (${percent(low)} to ${percent(high)}) on ${plural(labels, "label")}`,
        Number.isFinite(before) && `, baseline ${percent(before)}`,
      ),
    column && h("p", { class: "soft" }, "Most unlike the baseline in ", name(column.replaceAll("_", " ")), `: distance ${score(effect)}`),
  );
}

function examplePart(examples) {
  if (!list(examples).length) return null;
  return h(
    "div",
    {},
    h("h4", {}, `${count(examples.length)} predictions to look at`),
    h(
      "ul",
      {},
      examples.map((id) => h("li", {}, h("code", {}, name(id)))),
    ),
  );
}
