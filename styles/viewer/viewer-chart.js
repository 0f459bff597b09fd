// The series of a pixel as a chart that can be read with a pointer, and as a table.
import { element } from "./viewer-dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [360, 200, 42, 12, 14, 28];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const svg = (name, attributes = {}, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Round numbers over a range, about four of them. */
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) + (Math.abs(step / power - 2.5) < 1e-9 ? 1 : 0);
  const all = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) all.push([k * step, (k * step).toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1")]);
  return all;
}

/** The first days of months between two moments, no more than fit. */
function months(first, last) {
  const all = [];
  const day = new Date(first);
  for (let at = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1); at <= last; ) {
    const date = new Date(at);
    if (at >= first) all.push([at, date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : MONTHS[date.getUTCMonth()]]);
    at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  }
  const every = Math.ceil(all.length / 8);
  return all.filter((_, k) => k % every === 0);
}

/** The chart of a series, and its values as a table. */
export function chart({ index, series: all }) {
  const seen = all.filter((o) => o.value !== null);
  const clear = seen.filter((o) => !o.clouds);
  if (!seen.length) return element("p", { className: "empty", textContent: "No scene has a value here." });
  const time = (o) => Date.parse(o.date);
  const [first, last] = [time(all[0]), time(all.at(-1))];
  const values = (clear.length ? clear : seen).map((o) => o.value);
  const margin = (Math.max(...values) - Math.min(...values)) * 0.08 || 0.1;
  const [low, high] = [Math.min(...values) - margin, Math.max(...values) + margin];
  const x = (moment) => LEFT + ((moment - first) / Math.max(last - first, 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + ((high - Math.min(Math.max(value, low), high)) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const cloudy = seen.length - clear.length;
  const label = `${index}: ${clear.length} clear and ${cloudy} cloudy dates from ${all[0].date} to ${all.at(-1).date}`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const [value, text] of ticks(low, high)) {
    picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "rule" }));
    picture.append(svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  for (const [moment, text] of months(first, last)) {
    picture.append(svg("line", { x1: x(moment), x2: x(moment), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4, class: "axis" }));
    picture.append(svg("text", { x: x(moment), y: HEIGHT - 9, "text-anchor": "middle" }, text));
  }
  picture.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "axis" }));
  picture.append(svg("polyline", { class: "series", points: clear.map((o) => `${x(time(o))},${y(o.value)}`).join(" ") }));
  for (const o of seen) {
    const [a, b] = [x(time(o)), y(o.value)];
    picture.append(o.clouds ? svg("path", { class: "cloud", d: `M${a - 4},${b - 4}l8,8m0,-8l-8,8` }) : svg("circle", { class: "clear", cx: a, cy: b, r: 3.5 }));
  }
  const readout = element("output", { className: "readout" });
  pointed(picture, readout, seen, (o) => x(time(o)), y);
  const rows = all.map((o) => {
    const value = element("td", { className: "n", textContent: o.value === null ? "–" : o.value.toFixed(3) });
    const sky = element("td", { textContent: o.value === null ? "no data" : o.clouds ? "cloud" : "clear" });
    return element("tr", {}, element("th", { scope: "row", textContent: o.date }), value, sky);
  });
  const head = element("tr", {}, ...["Date", index, "Sky"].map((textContent) => element("th", { scope: "col", textContent })));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element(
    "figure", {}, readout, picture,
    element("figcaption", {}, mark("clear"), ` clear (${clear.length})`, mark("cloud"), ` under cloud (${cloudy}), left out of the line`),
    element("details", {}, element("summary", { textContent: "As a table" }), element("div", { className: "table", tabIndex: 0, attributes: { role: "region", "aria-label": "The series as a table" } }, table)),
  );
}

/** Tells the date that is nearest to the pointer. */
function pointed(picture, readout, seen, x, y) {
  const line = svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "pointer", visibility: "hidden" });
  const ring = svg("circle", { r: 6, class: "ring", visibility: "hidden" });
  picture.append(line, ring);
  const show = (o) => {
    for (const part of [line, ring]) part.setAttribute("visibility", "visible");
    for (const end of ["x1", "x2"]) line.setAttribute(end, x(o));
    ring.setAttribute("cx", x(o));
    ring.setAttribute("cy", y(o.value));
    readout.textContent = `${o.date}  ${o.value.toFixed(3)}${o.clouds ? "  under cloud" : ""}`;
  };
  const rest = () => {
    for (const part of [line, ring]) part.setAttribute("visibility", "hidden");
    readout.textContent = "Point at the chart to read a date.";
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    show(seen.reduce((best, o) => (Math.abs(x(o) - at) < Math.abs(x(best) - at) ? o : best)));
  });
  picture.addEventListener("pointerleave", rest);
  rest();
}

function mark(kind) {
  const key = svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" });
  key.append(kind === "clear" ? svg("circle", { class: "clear", cx: 6, cy: 6, r: 4 }) : svg("path", { class: "cloud", d: "M2,2l8,8m0,-8l-8,8" }));
  return key;
}
