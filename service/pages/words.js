// What verdicts, severities, states and aspects are called in the language of a person.
// Knows the names of monitors/verdict.py, and survives one that it has not met.

export const KINDS = {
  ok: {
    title: "All is well.",
    short: "all is well",
    meaning: "No check sees a change, and nothing says that accuracy has fallen.",
  },
  insufficient_data: {
    title: "Too early to tell.",
    short: "too early to tell",
    meaning: "There are too few predictions or labels to judge by. Keep sending; the next rounds will say more.",
  },
  benign_drift: {
    title: "The inputs have changed, accuracy holds.",
    short: "benign drift",
    meaning: "The texts are not those of the baseline, but the model copes within the accepted margin.",
  },
  label_shift: {
    title: "The mix of classes has moved.",
    short: "label shift",
    meaning: "Some classes come more often than in the baseline; the classes themselves look the same.",
  },
  data_fault: {
    title: "The incoming data looks broken.",
    short: "data fault",
    meaning:
      "Something upstream is probably at fault: empty, repeated, cut off or missing texts. Look at the sender first.",
  },
  suspected_harm: {
    title: "Accuracy has probably fallen.",
    short: "suspected harm",
    meaning: "The inputs have changed and the estimate is below the accepted margin. Labels have not proved it yet.",
  },
  suspected_harm_severe: {
    title: "The model is probably failing.",
    short: "suspected harm, severe",
    meaning: "The change is so large that it should not wait for labels to prove it.",
  },
  harmful: {
    title: "Accuracy has fallen.",
    short: "harmful",
    meaning: "Labels prove it: the model is wrong more often than its baseline allows.",
  },
};

export const kind = (value) =>
  KINDS[value] ?? {
    title: `Verdict: ${value}.`,
    short: String(value),
    meaning: "This page does not know that verdict; its service is newer.",
  };

export const SEVERITIES = {
  none: { title: "Nothing to do", short: "nothing to do", tone: "ok" },
  notice: { title: "Notice: good to know", short: "notice", tone: "notice" },
  ticket: { title: "Ticket: look at it in working hours", short: "ticket", tone: "ticket" },
  page: { title: "Page: look at it now", short: "page", tone: "page" },
};

export const severity = (value) =>
  SEVERITIES[value] ?? { title: `Severity: ${value}`, short: String(value), tone: "unknown" };

export const STATES = {
  alarm: { title: "alarm", order: 0, icon: "ticket" },
  failed: { title: "check failed", order: 1, icon: "failed" },
  ok: { title: "quiet", order: 2, icon: "ok" },
  insufficient: { title: "too little data", order: 3, icon: "unknown" },
};

// These measure and never alarm, so "quiet" would say too much of them.
export const informs = ({ aspect: looksAt }) => looksAt === "accuracy" || looksAt === "estimate";

export function state(check) {
  if (check.state === "ok" && informs(check)) return { title: "measured", order: 2, icon: "notice" };
  return STATES[check.state] ?? { title: String(check.state), order: 4, icon: "unknown" };
}

const ASPECTS = {
  input: "texts",
  output: "scores",
  class_mix: "class mix",
  data: "data",
  harm: "accuracy, proof",
  accuracy: "accuracy",
  estimate: "accuracy, estimate",
};

export const aspect = (value) => ASPECTS[value] ?? String(value ?? "");
