// The frame that every chart over time shares: axes, a cursor for pointer, finger and keyboard, a sentence for
// the point under the cursor, and the same numbers as a table. Knows nothing of what the lines mean.

import { h, redraw, svg } from "../dom.js";
import { clock, day, moment, percent, when } from "../format.js";
import { now } from "../clock.js";
import { linear, timeTicks } from "./scale.js";

const MARGIN = { top: 14, right: 10, bottom: 24, left: 46 };
const SHORTEST = 2 * 60_000;

// spec: label, height, margin, legend → nodes, empty → words, shows(point) → whether there is anything to draw,
// axis(points, extra) → {ticks, place(start, end) → value → y, format}, layers(plot) → SVG nodes,
// marks(point) → [[value, shape]] under the cursor, describe(point) → words, columns → [[heading, point → text]].
export function timeChart(host, spec) {
  const readout = h("p", { class: "readout" });
  const canvas = h("div", {
    class: "canvas",
    role: "slider",
    tabindex: 0,
    "aria-label": `${spec.label}. Arrow keys move through the points.`,
  });
  const legend = h("div", { class: "legend", "aria-hidden": "true" }, spec.legend);
  const table = h(
    "details",
    { class: "numbers", "data-key": "numbers" },
    h("summary", {}, "The same as a table"),
    h("div"),
  );
  const empty = h("p", { class: "empty" }, spec.empty);
  host.append(legend, readout, canvas, table, empty);
  let points = [];
  let extra = {};
  let chosen = null;
  let plot = null;
  let shown = "";

  function draw() {
    const usable = points.length > 0 && points.some(spec.shows);
    for (const element of [legend, readout, canvas, table]) element.hidden = !usable;
    empty.hidden = usable;
    if (!usable || canvas.clientWidth < 80) return;
    plot = layout(canvas.clientWidth, spec, points, extra);
    const cursor = svg("g", { class: "cursor" });
    canvas.replaceChildren(
      svg(
        "svg",
        {
          width: plot.width,
          height: plot.height,
          viewBox: `0 0 ${plot.width} ${plot.height}`,
          "aria-hidden": "true",
          focusable: "false",
        },
        axes(plot),
        spec.layers(plot),
        cursor,
      ),
    );
    plot.cursor = cursor;
    point(chosen === null ? points.length - 1 : nearest(chosen));
    if (table.open) fillTable();
  }

  const nearest = (at) =>
    points.reduce((best, each, index) => (Math.abs(each.at - at) < Math.abs(points[best].at - at) ? index : best), 0);

  function point(index) {
    const each = points[index];
    const newest = index === points.length - 1;
    chosen = newest ? null : each.at;
    const x = plot.x(each.at);
    plot.cursor.replaceChildren(
      ...(newest ? [] : [svg("line", { x1: x, x2: x, y1: plot.top, y2: plot.bottom })]),
      ...spec
        .marks(each)
        .filter(([value]) => Number.isFinite(value))
        .map(([value, shape]) => mark(shape, x, plot.y(value))),
    );
    const text = `${newest ? "Newest, " : ""}${when(each.at, now())}: ${spec.describe(each)}`;
    readout.textContent = text;
    canvas.setAttribute("aria-valuemin", 1);
    canvas.setAttribute("aria-valuemax", points.length);
    canvas.setAttribute("aria-valuenow", index + 1);
    canvas.setAttribute("aria-valuetext", text);
  }

  function fillTable() {
    const rows = [...points].reverse();
    redraw(
      table.lastElementChild,
      rows.map((each) => each.time),
      () =>
        h(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": `${spec.label}, as a table` },
          h(
            "table",
            {},
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                h("th", { scope: "col" }, "Time"),
                spec.columns.map(([heading]) => h("th", { scope: "col" }, heading)),
              ),
            ),
            h(
              "tbody",
              {},
              rows.map((each) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, moment(each.at)),
                  spec.columns.map(([, cell]) => h("td", {}, cell(each))),
                ),
              ),
            ),
          ),
        ),
    );
  }

  table.addEventListener("toggle", () => table.open && fillTable());
  canvas.addEventListener(
    "pointermove",
    (event) => plot && point(nearest(plot.timeAt(event.clientX - canvas.getBoundingClientRect().left))),
  );
  canvas.addEventListener("pointerleave", () => plot && document.activeElement !== canvas && point(points.length - 1));
  canvas.addEventListener("keydown", (event) => {
    const at = chosen === null ? points.length - 1 : nearest(chosen);
    const last = points.length - 1;
    const page = Math.max(1, Math.round(points.length / 10));
    const moves = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - page,
      PageUp: at + page,
      Home: 0,
      End: last,
    };
    if (!plot || !(event.key in moves)) return;
    event.preventDefault();
    point(Math.min(last, Math.max(0, moves[event.key])));
  });
  new ResizeObserver(() => plot?.width !== canvas.clientWidth && draw()).observe(host);

  return {
    update(history, more = {}) {
      const signature = JSON.stringify([history, more]);
      if (signature === shown) return;
      shown = signature;
      points = history;
      extra = more;
      draw();
    },
  };
}

function layout(width, spec, points, extra) {
  const narrow = width < 480;
  const height = narrow ? Math.min(spec.height, 200) : spec.height;
  const margin = { ...MARGIN, ...spec.margin };
  const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom];
  const to = Math.max(points[points.length - 1].at, extra.to ?? 0);
  const from = Math.min(points[0].at, to - SHORTEST);
  const axis = spec.axis(points, extra);
  const x = linear(from, to, left, right);
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    from,
    to,
    points,
    extra,
    axis,
    x,
    y: axis.place(bottom, top),
    timeAt: linear(left, right, from, to),
    time: timeTicks(from, to, right - left, narrow ? 62 : 92),
  };
}

function axes(plot) {
  const middle = (tick) => Math.min(Math.max(plot.x(tick), plot.left + 14), plot.right - 16);
  return svg(
    "g",
    { class: "axes" },
    plot.axis.ticks.map((tick) => [
      svg("line", { class: "grid", x1: plot.left, x2: plot.right, y1: plot.y(tick), y2: plot.y(tick) }),
      svg("text", { x: plot.left - 8, y: plot.y(tick) + 4, "text-anchor": "end" }, plot.axis.format(tick)),
    ]),
    plot.time.ticks.map((tick) => [
      svg("line", { class: "tick", x1: plot.x(tick), x2: plot.x(tick), y1: plot.bottom, y2: plot.bottom + 4 }),
      svg(
        "text",
        { x: middle(tick), y: plot.bottom + 18, "text-anchor": "middle" },
        isMidnight(tick) || plot.time.daily ? day(tick) : clock(tick),
      ),
    ]),
  );
}

const isMidnight = (time) => new Date(time).getHours() === 0 && new Date(time).getMinutes() === 0;

// Shapes, not colours, tell the series apart.
export function mark(shape, x, y, size = 4.5) {
  if (shape === "diamond")
    return svg("path", {
      class: "mark diamond",
      d: `M${x} ${y - size - 1}l${size + 1} ${size + 1}-${size + 1} ${size + 1}-${size + 1}-${size + 1}z`,
    });
  if (shape === "triangle")
    return svg("path", {
      class: "mark triangle",
      d: `M${x} ${y - size - 1}l${size + 1} ${2 * size}h-${2 * size + 2}z`,
    });
  return svg("circle", { class: "mark circle", cx: x, cy: y, r: size });
}

// A level that was fixed offline, with its number in the margin, where no series can cover it.
export function baselineLine(share, plot) {
  const y = plot.y(share);
  return [
    svg("path", { class: "base", d: `M${plot.left} ${y}H${plot.right}` }),
    svg("text", { class: "note", x: plot.right + 7, y: y + 4 }, percent(share)),
  ];
}

export const path = (run, x, y) =>
  run.map((each, index) => `${index ? "L" : "M"}${x(each).toFixed(1)} ${y(each).toFixed(1)}`).join("");

// A short stretch of line with its name, for the legend.
export function sample(name, ...shapes) {
  return h(
    "span",
    { class: "sample" },
    svg("svg", { width: 30, height: 12, viewBox: "0 0 30 12", focusable: "false" }, shapes),
    name,
  );
}
