// From numbers and times to pixels, with ticks a person would have chosen. Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
];

export const linear = (from, to, start, end) => (value) => start + ((value - from) / (to - from)) * (end - start);

// Gentle to small values, bearable with large ones: drift can be 50 times its threshold.
export const root = (to, start, end) => (value) =>
  start + Math.sqrt(Math.min(Math.max(value, 0), to) / to) * (end - start);

// Steps of 1, 2 or 5 times a power of ten, about `wanted` of them between `low` and `high`.
export function niceTicks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1)
    ticks.push(Number((index * step).toPrecision(12)));
  return { ticks, step };
}

// A range of shares around `values`, at least `span` wide, inside 0 … 1, ending on ticks.
export function shareAxis(values, span = 0.1) {
  const known = values.filter((value) => Number.isFinite(value));
  let low = known.length ? Math.min(...known) : 0.5;
  let high = known.length ? Math.max(...known) : 1;
  const missing = Math.max(0, span - (high - low)) / 2;
  low = Math.max(0, low - missing - 0.005);
  high = Math.min(1, high + missing + 0.005);
  const { step } = niceTicks(low, high, 4);
  low = Math.max(0, Math.floor(low / step + 1e-9) * step);
  high = Math.min(1, Math.ceil(high / step - 1e-9) * step);
  return { low, high, ticks: niceTicks(low, high, Math.round((high - low) / step)).ticks };
}

// 0, 1 and a few more: the alarm line is always among them.
export function driftAxis(values) {
  const high = Math.max(1.5, ...values.filter((value) => Number.isFinite(value)).map((value) => value * 1.08));
  if (high <= 2) return { high, ticks: [0, 0.5, 1, 1.5, 2].filter((tick) => tick <= high), square: false };
  if (high <= 5) return { high, ticks: [0, 1, 2, 3, 4, 5].filter((tick) => tick <= high), square: false };
  const ticks = [0, 1];
  for (let power = 1; power <= high; power *= 10) {
    for (const tick of [2 * power, 5 * power, 10 * power]) {
      const room = Math.sqrt(tick / high) - Math.sqrt(ticks[ticks.length - 1] / high);
      if (tick <= high && room > 0.12) ticks.push(tick);
    }
  }
  return { high, ticks, square: true };
}

// Ticks on round local times, at most one every `room` pixels.
export function timeTicks(from, to, width, room) {
  const wanted = Math.max(2, Math.floor(width / room));
  const step = STEPS.find((size) => (to - from) / size <= wanted) ?? Math.ceil((to - from) / wanted / DAY) * DAY;
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  const ticks = [];
  for (let index = 0, time = midnight.getTime(); time <= to && ticks.length < 100; index += 1) {
    // By the calendar, so that ticks stay on midnight where the clocks change.
    const next = new Date(midnight);
    next.setMinutes(next.getMinutes() + (index * step) / MINUTE);
    time = next.getTime();
    if (time >= from && time <= to) ticks.push(time);
    if (index > 20_000) break;
  }
  return { ticks, daily: step >= DAY };
}

// Runs of neighbouring points that have a value. A run breaks where one is missing, or where the rounds
// stopped for much longer than is usual: a line across a silence would be a claim.
export function runs(points, value) {
  const gaps = points
    .slice(1)
    .map((point, index) => point.at - points[index].at)
    .sort((a, b) => a - b);
  const longest = gaps.length >= 3 ? gaps[Math.floor(gaps.length / 2)] * 4 : Infinity;
  const found = [];
  let run = [];
  for (const point of points) {
    const missing = !Number.isFinite(value(point));
    const far = run.length > 0 && point.at - run[run.length - 1].at > longest;
    if ((missing || far) && run.length) {
      found.push(run);
      run = [];
    }
    if (!missing) run.push(point);
  }
  if (run.length) found.push(run);
  return found;
}
