// Is it right? The number, its interval, what stands behind it; and, second, the estimate without labels.

import { byId, h, redraw } from "../dom.js";
import { against, count, duration, percent } from "../format.js";
import { icon } from "../icons.js";
import { intervalStrip } from "../charts/strips.js";

const WIDE = 0.1;

export function drawAccuracy({ accuracy, estimated_accuracy: estimate, checks, predictions }) {
  const why = checks?.find((check) => check.aspect === "estimate")?.summary;
  const details = checks?.find((check) => check.aspect === "accuracy")?.details;
  const toLabel = predictions?.total > 0;
  redraw(byId("accuracy"), [accuracy, estimate, why, details, toLabel], () => [
    accuracy ? measured(accuracy, details) : unmeasured(),
    toLabel && h("p", { class: "to-label" }, h("a", { href: "#label", class: "button", "data-key": "to-label" }, "Label a random sample")),
    estimated(estimate, why),
  ]);
}

function measured(accuracy, details) {
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
      fact(details?.audit?.shown ? "Audited labels" : "Labels", count(labels)),
      details?.audit?.shown && fact("Volunteered", beside(details.volunteered)),
      fact("Coverage", Number.isFinite(coverage) ? `${percent(coverage)} of predictions` : "—"),
      fact("Label delay", Number.isFinite(lag) ? `${duration(lag)}, median` : "—"),
    ),
  );
}

// Volunteered labels are what struck somebody, so they stand beside the random ones and not among them.
const beside = (volunteered) =>
  volunteered ? `${count(volunteered.labels)}, ${percent(volunteered.value)} right` : "none";

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
    h("p", { class: "soft" }, "Read off the predictions alone, and to be trusted now. Labels know better."),
  );
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const fact = (term, text) => h("div", {}, h("dt", {}, term), h("dd", {}, text));
