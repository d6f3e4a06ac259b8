// Numbers and times as a person reads them. Pure; null, undefined and NaN give an em dash.

const NARROW = "\u202f";
const MINUS = "\u2212";
const NONE = "—";

const known = (value) => typeof value === "number" && Number.isFinite(value);
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function percent(share, digits = 1) {
  return known(share) ? `${number(share * 100, digits)}${NARROW}%` : NONE;
}

export function number(value, digits) {
  return known(value)
    ? value
        .toFixed(digits)
        .replace(/^-(?=0(\.0*)?$)/, "")
        .replace("-", MINUS)
    : NONE;
}

export function count(value) {
  return known(value) ? grouped.format(value) : NONE;
}

export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// The distance of two shares in percentage points, in words.
export function against(share, baseline) {
  if (!known(share) || !known(baseline)) return NONE;
  const points = Math.round((share - baseline) * 1000) / 10;
  if (points === 0) return "level with the baseline";
  const size = number(Math.abs(points), 1);
  return `${size} ${size === "1.0" ? "point" : "points"} ${points < 0 ? "below" : "above"} the baseline`;
}

export function signedPoints(difference) {
  const points = Math.round(difference * 1000) / 10;
  return known(points) ? (points > 0 ? "+" : "") + number(points, 1) : NONE;
}

// Three significant digits, without an exponent where one can read it.
export function score(value) {
  if (!known(value)) return NONE;
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4)) return power(value);
  if (Math.abs(value) >= 1000) return count(value);
  return String(Number(value.toPrecision(3))).replace("-", MINUS);
}

// 4.0e-8 as "4.0 × 10⁻⁸".
function power(value) {
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = [...exponent.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
  return `${digits.replace("-", MINUS)} × 10${raised}`;
}

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

// Seconds as "12 s", "3 min", "2 h 10 min", "4 d 3 h".
export function duration(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 1)
    return seconds > 0.0005 && seconds < 0.95
      ? `${Math.round(seconds * 1000)}${NARROW}ms`
      : `${Math.round(seconds)}${NARROW}s`;
  let rest = Math.round(seconds < 60 ? seconds : seconds / 60) * (seconds < 60 ? 1 : 60);
  const parts = [];
  for (const [unit, size] of UNITS) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0 && parts.length < 2) parts.push(`${whole}${NARROW}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.join(" ");
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const formats = {
  clock: new Intl.DateTimeFormat("en-GB", CLOCK),
  seconds: new Intl.DateTimeFormat("en-GB", { ...CLOCK, second: "2-digit" }),
  day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }),
  year: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }),
};

export const clock = (time) => formats.clock.format(time);
export const clockSeconds = (time) => formats.seconds.format(time);
export const day = (time) => formats.day.format(time);
export const moment = (time) =>
  Number.isNaN(time) ? NONE : `${formats.year.format(time)}, ${formats.seconds.format(time)}`;

// "14:05" today, "20 Nov, 14:05" on another day.
export function when(time, reference) {
  if (!known(time)) return NONE;
  return day(time) === day(reference) ? clock(time) : `${day(time)}, ${clock(time)}`;
}
