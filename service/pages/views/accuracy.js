// Is it right? The number, its interval, what stands behind it; and, second, the estimate without labels.

import { byId, h, redraw } from "../dom.js";
import { against, count, duration, percent } from "../format.js";
import { icon } from "../icons.js";
import { intervalStrip } from "../charts/strips.js";

const WIDE = 0.1;

export function drawAccuracy({ accuracy, estimated_accuracy: estimate, checks }) {
  const why = checks?.find((check) => check.aspect === "estimate")?.summary;
  redraw(byId("accuracy"), [accuracy, estimate, why], () => [
    accuracy ? measured(accuracy) : unmeasured(),
    estimated(estimate, why),
  ]);
}

function measured(accuracy) {
  const { value, low, high, labels, coverage, lag_seconds: lag, baseline } = accuracy;
  return h(
    "div",
    { class: "measured" },
    h("p", { class: "big" }, percent(value)),
    h(
      "p",
      { class: "interval" },
      `${percent(low)} to ${percent(high)}`,
      h("span", { class: "soft" }, " with 95\u202f% confidence"),
    ),
    intervalStrip(accuracy, baseline),
    Number.isFinite(baseline)
      ? h(
          "p",
          { class: "delta" },
          h("strong", {}, sentence(against(value, baseline))),
          h("span", { class: "soft" }, ` (${percent(baseline)}, the upright line)`),
        )
      : h("p", { class: "delta soft" }, "There is no baseline to compare with."),
    high - low > WIDE &&
      h(
        "p",
        { class: "caution" },
        icon("notice", 18),
        "The interval is still wide: believe the interval, not the number. More labels make it narrow.",
      ),
    h(
      "dl",
      { class: "facts" },
      fact("Labels", count(labels)),
      fact("Coverage", Number.isFinite(coverage) ? `${percent(coverage)} of predictions` : "—"),
      fact("Label delay", Number.isFinite(lag) ? `${duration(lag)}, median` : "—"),
    ),
  );
}

function unmeasured() {
  return h(
    "div",
    { class: "measured" },
    h("p", { class: "big none" }, "No labels yet"),
    h(
      "p",
      {},
      "Accuracy is measured with the true labels that you send: ",
      h("code", {}, "POST /feedback"),
      " with the ",
      h("code", {}, "prediction_id"),
      " and the ",
      h("code", {}, "label"),
      ". A few dozen give a first, wide interval.",
    ),
  );
}

function estimated(estimate, why) {
  const heading = h("h3", {}, "Estimated without labels");
  if (!estimate)
    return h(
      "div",
      { class: "estimated" },
      heading,
      h("p", { class: "soft" }, "No estimate yet. It needs a baseline and a window of predictions."),
    );
  if (!estimate.trusted) {
    return h(
      "div",
      { class: "estimated untrusted" },
      heading,
      h("p", { class: "caution" }, icon("ticket", 18), "Not to be trusted now."),
      h(
        "p",
        { class: "soft" },
        why || `It would say ${percent(estimate.value)} (${percent(estimate.low)} to ${percent(estimate.high)}).`,
        " Only labels can tell.",
      ),
    );
  }
  return h(
    "div",
    { class: "estimated" },
    heading,
    h(
      "p",
      {},
      h("span", { class: "middling" }, percent(estimate.value)),
      h("span", { class: "soft" }, ` ${percent(estimate.low)} to ${percent(estimate.high)}`),
    ),
    h("p", { class: "soft" }, "From the model's own confidence, which may be trusted now. Labels know better."),
  );
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const fact = (term, text) => h("div", {}, h("dt", {}, term), h("dd", {}, text));
