// One shape for each tone, so that no meaning hangs on colour alone.

import { svg } from "./dom.js";

const SHAPES = {
  ok: [
    ["circle", { cx: 12, cy: 12, r: 10 }],
    ["path", { d: "M7 12.500l3.500 3.500 6.500-7.500" }],
  ],
  notice: [
    ["circle", { cx: 12, cy: 12, r: 10 }],
    ["path", { d: "M12 11v6M12 7v.1" }],
  ],
  ticket: [
    ["path", { d: "M12 2.500L22.500 21h-21z" }],
    ["path", { d: "M12 9.500v5.500M12 18v.1" }],
  ],
  page: [
    ["path", { d: "M7.800 2h8.400L22 7.800v8.400L16.200 22H7.800L2 16.200V7.800z" }],
    ["path", { d: "M12 6.500v7M12 17.300v.1" }],
  ],
  unknown: [
    ["circle", { cx: 12, cy: 12, r: 10, "stroke-dasharray": "3.500 2.780" }],
    ["path", { d: "M7.500 12v.1M12 12v.1M16.500 12v.1" }],
  ],
  stale: [
    ["circle", { cx: 12, cy: 12, r: 10 }],
    ["path", { d: "M12 6v6l4 3" }],
  ],
  failed: [["path", { d: "M5 5l14 14M19 5L5 19" }]],
};

export function icon(tone, size = 20) {
  const shapes = SHAPES[tone === "gone" ? "stale" : tone] ?? SHAPES.unknown;
  return svg(
    "svg",
    {
      class: `icon tone-${tone}`,
      viewBox: "0 0 24 24",
      width: size,
      height: size,
      "aria-hidden": "true",
      focusable: "false",
    },
    shapes.map(([tag, attributes]) => svg(tag, attributes)),
  );
}
