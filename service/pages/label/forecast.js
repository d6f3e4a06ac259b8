// What labels do to the interval of accuracy before the monitor's next round says so. Pure; a forecast, not a result.

const Z = 1.96;

// `known`: the accuracy of /status, or null. `audit`: {labels, needed, shown} of its check, or null.
// `more`: labels given since the last round. Gives {now, then, more, switches}: half widths, null where unknown.
export function forecast(known, audit, more, baseline) {
  const half = known ? (known.high - known.low) / 2 : null;
  const audited = audit?.labels ?? 0;
  const switches = !audit?.shown && audited + more >= (audit?.needed ?? Infinity) && (known?.labels ?? 0) > audited;
  // Once there are enough of them, audited labels alone are the accuracy.
  const before = known?.labels ?? 0;
  const after = switches ? audited + more : before + more;
  const then = half !== null && before > 0 ? half * Math.sqrt(before / after) : fromNothing(baseline, after);
  return { now: half, then: more > 0 ? then : null, more, switches };
}

function fromNothing(baseline, labels) {
  if (labels < 5) return null;
  const share = Math.min(0.98, Math.max(0.02, Number.isFinite(baseline) ? baseline : 0.5));
  return Z * Math.sqrt((share * (1 - share)) / labels);
}
