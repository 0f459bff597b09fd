// What lies under a click: values of rasters, series of cubes, zones with their mines.
import { ask } from "./viewer-layers.js";

const byId = (id) => document.getElementById(id);
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

let latest = 0;

/** Tells of a click. Answers of an earlier one that come late are dropped. */
export async function picked(click) {
  const { map, event, visible } = click;
  const mine = ++latest;
  const { lng, lat } = event.lngLat.wrap();
  const panel = byId("details");
  panel.replaceChildren(element("h2", { textContent: `${lat.toFixed(5)}, ${lng.toFixed(5)}`, tabIndex: -1 }));
  panel.hidden = false;
  const close = element("button", { type: "button", className: "second small close", textContent: "Close" });
  close.addEventListener("click", () => {
    panel.hidden = true;
    mark(click, []);
  });
  panel.append(close);
  mark(click, [point([lng, lat])]);
  const current = () => mine === latest;
  const parts = [features(click, current), values(click, visible, [lng, lat]), series(click, [lng, lat], current)];
  for (const part of parts) {
    const place = element("div");
    panel.append(place);
    part.then(
      (made) => current() && made && place.append(made),
      (error) => current() && place.append(element("p", { className: "fault", textContent: error.message })),
    );
  }
  await Promise.allSettled(parts);
  if (current()) panel.dataset.done = "";
  if (current() && !panel.querySelector(":scope > div > *")) panel.append(element("p", { className: "hint", textContent: "No layer that is shown says anything of this place." }));
}

const point = (coordinates, properties = {}) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates } });

function mark({ maps }, all) {
  for (const map of maps) map.getSource("picked")?.setData({ type: "FeatureCollection", features: all });
}

// --- Rasters ----------------------------------------------------------------------------------

async function values(click, visible, [lng, lat]) {
  const rows = await Promise.all(
    visible.filter((c) => c.raster).map(async (collection) => {
      const answer = await ask(`${click.root}/collections/${collection.id}/point?lon=${lng}&lat=${lat}`);
      if (!answer.ok) return null;
      const told = await answer.json();
      if (told.value === null || told.value === undefined) return null;
      const text = told.class ?? `${Number(told.value.toPrecision(4))} ${told.unit ?? ""}`;
      return element("tr", {}, element("th", { scope: "row", textContent: collection.title }), element("td", { textContent: text }));
    }),
  );
  const shown = rows.filter(Boolean);
  if (!shown.length) return null;
  return element("section", {}, element("h3", { textContent: "Here" }), element("table", {}, element("tbody", {}, ...shown)));
}

// --- Features ---------------------------------------------------------------------------------

async function features(click, current) {
  const { map, event, visible } = click;
  const layers = [...map.shown.keys()].filter((id) => map.getLayer(id) && !["raster", "heatmap"].includes(map.getLayer(id).type));
  const reach = [[event.point.x - 4, event.point.y - 4], [event.point.x + 4, event.point.y + 4]];
  const [hit] = layers.length ? map.queryRenderedFeatures(reach, { layers }) : [];
  const collection = hit && visible.find((c) => c.id === hit.source);
  if (!collection) return null;
  const rows = Object.entries(hit.properties)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: typeof value === "number" ? Number(value.toPrecision(6)) : value })));
  const section = element("section", {}, element("h3", { textContent: collection.title }), element("div", { className: "table" }, element("table", {}, element("tbody", {}, ...rows))));
  if (collection.zones) section.append((await minesOf(click, collection, hit, current)) ?? "");
  return section;
}

/** The mines around a zone, with lines to them. */
async function minesOf(click, zones, hit, current) {
  const mines = click.collections.find((c) => c.mines && c.job === zones.job) ?? click.collections.find((c) => c.mines);
  if (!mines) return element("p", { className: "hint", textContent: "There is no layer of mines." });
  const zone = await whole(click, zones, hit);
  const corners = zone.geometry.coordinates.flat(zone.geometry.type === "MultiPolygon" ? 2 : 1);
  const radius = Number(click.state.radius) || 5000;
  const [lons, lats] = [corners.map((c) => c[0]), corners.map((c) => c[1])];
  const up = radius / 111_000;
  const across = up / Math.max(Math.cos((lats[0] * Math.PI) / 180), 0.01);
  const box = [Math.min(...lons) - across, Math.min(...lats) - up, Math.max(...lons) + across, Math.max(...lats) + up];
  const answer = await ask(`${click.root}/collections/${mines.id}/items?f=json&limit=500&bbox=${box.join(",")}`);
  if (!answer.ok) throw new Error(`The mines answer ${answer.status}.`);
  const found = (await answer.json()).features
    .filter((mine) => mine.geometry?.type === "Point")
    .map((mine) => ({ mine, ...nearest(corners, mine.geometry.coordinates) }))
    .filter((near) => near.metres <= radius)
    .sort((a, b) => a.metres - b.metres);
  if (current()) {
    const [lng, lat] = click.event.lngLat.toArray();
    const outline = { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: zone.geometry.type === "MultiPolygon" ? zone.geometry.coordinates.flat() : zone.geometry.coordinates } };
    const lines = found.map(({ corner, mine }) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [corner, mine.geometry.coordinates] } }));
    mark(click, [outline, ...lines, ...found.map(({ mine }) => point(mine.geometry.coordinates)), point([lng, lat])]);
  }
  const input = element("input", { type: "number", min: 0, step: 100, value: radius, ariaLabel: "Mines within so many metres" });
  input.addEventListener("change", () => {
    click.state.radius = input.value;
    click.write();
    picked(click);
  });
  const items = found.map(({ mine, metres }) => {
    const name = ["name", "title", "id", "mine_id"].map((n) => mine.properties[n]).find((v) => v !== undefined && v !== null) ?? mine.id;
    const go = element("button", { type: "button", className: "plain link", textContent: String(name) });
    go.addEventListener("click", () => click.map.easeTo({ center: mine.geometry.coordinates }));
    const what = ["commodity", "kind", "type"].map((n) => mine.properties[n]).find(Boolean);
    return element("li", {}, go, ` ${what ? `${what}, ` : ""}${metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`}`);
  });
  return element("div", { className: "mines" }, element("h4", { textContent: `Mines within ${radius} m of it: ${found.length}` }), element("div", { className: "layer-row" }, input, element("span", { className: "unit", textContent: "m" })), element("ol", {}, ...items));
}

/** The zone as it is kept: in a tile it is cut and simplified. */
async function whole(click, zones, hit) {
  const number = hit.properties.id;
  if (number !== undefined) {
    const filter = encodeURIComponent(`id = ${typeof number === "number" ? number : `'${String(number).replaceAll("'", "''")}'`}`);
    const answer = await ask(`${click.root}/collections/${zones.id}/items?f=json&limit=1&filter=${filter}`);
    const [found] = answer.ok ? (await answer.json()).features : [];
    if (found?.geometry) return found;
  }
  return { geometry: hit.geometry };
}

/** The corner of a zone that is nearest to a mine, on a sphere. */
function nearest(corners, [lon, lat]) {
  const rad = Math.PI / 180;
  let best = { metres: Infinity, corner: corners[0] };
  for (const corner of corners) {
    const a = Math.sin(((lat - corner[1]) * rad) / 2) ** 2 + Math.cos(lat * rad) * Math.cos(corner[1] * rad) * Math.sin(((lon - corner[0]) * rad) / 2) ** 2;
    const metres = 2 * 6_371_008.8 * Math.asin(Math.sqrt(a));
    if (metres < best.metres) best = { metres, corner };
  }
  return best;
}

// --- Series -----------------------------------------------------------------------------------

const INDICES = ["NDRE", "NDVI", "EVI", "NDWI", "LSWI", "CIre", "MTCI"];

async function series(click, [lng, lat], current) {
  const inside = (c) => c.bbox && lng >= c.bbox[0] && lng <= c.bbox[2] && lat >= c.bbox[1] && lat <= c.bbox[3];
  const cubes = click.collections.filter((c) => c.cube && inside(c));
  if (!cubes.length) return null;
  const section = element("section", {}, element("h3", { textContent: "Series of a spectral index" }));
  const which = element("select", { ariaLabel: "Scenes" }, ...cubes.map((c) => element("option", { value: c.id, textContent: c.title })));
  const index = element("input", { type: "text", value: click.state.index, ariaLabel: "Spectral index or band" });
  index.setAttribute("list", "indices");
  const names = element("datalist", { id: "indices" }, ...INDICES.map((name) => element("option", { value: name })));
  const chart = element("div", { className: "chart" });
  const load = async () => {
    const answer = await ask(`${click.root}/collections/${which.value}/series?lon=${lng}&lat=${lat}&index=${encodeURIComponent(index.value)}`);
    const told = await answer.json();
    if (!current()) return;
    chart.replaceChildren(answer.ok ? drawn(told) : element("p", { className: "fault", textContent: told.detail ?? told.title }));
  };
  for (const control of [which, index]) {
    control.addEventListener("change", () => {
      click.state.index = index.value;
      click.write();
      load();
    });
  }
  section.append(element("div", { className: "layer-row" }, which, index, names), chart);
  await load();
  return section;
}

const svg = (name, attributes = {}, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

/** The chart of a series, and its values as a table. */
function drawn({ index, series: all }) {
  const seen = all.filter((o) => o.value !== null);
  const clear = seen.filter((o) => !o.clouds);
  if (!seen.length) return element("p", { className: "hint", textContent: "There are no scenes at this place." });
  const [width, height, left, right, top, bottom] = [340, 190, 40, 10, 12, 26];
  const time = (o) => Date.parse(o.date);
  const [first, last] = [time(all[0]), time(all[all.length - 1])];
  const shown = (clear.length ? clear : seen).map((o) => o.value);
  let [low, high] = [Math.min(...shown), Math.max(...shown)];
  const margin = (high - low) * 0.08 || 0.1;
  low -= margin;
  high += margin;
  const x = (o) => left + ((time(o) - first) / Math.max(last - first, 1)) * (width - left - right);
  const y = (v) => top + ((high - Math.min(Math.max(v, low), high)) / (high - low)) * (height - top - bottom);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${index}: ${clear.length} clear and ${seen.length - clear.length} cloudy dates from ${all[0].date} to ${all[all.length - 1].date}` });
  const digits = high - low > 5 ? 0 : high - low > 0.5 ? 1 : 2;
  for (let k = 0; k <= 4; k++) {
    const value = low + ((high - low) * k) / 4;
    picture.append(svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "rule" }));
    picture.append(svg("text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(digits)));
  }
  for (const [at, anchor] of [[all[0], "start"], [all[all.length - 1], "end"]]) picture.append(svg("text", { x: x(at), y: height - 8, "text-anchor": anchor }, at.date));
  picture.append(svg("polyline", { class: "series", points: clear.map((o) => `${x(o)},${y(o.value)}`).join(" ") }));
  for (const o of seen) {
    const dot = o.clouds ? svg("path", { class: "cloud", d: `M${x(o) - 4},${y(o.value) - 4}l8,8m0,-8l-8,8` }) : svg("circle", { class: "clear", cx: x(o), cy: y(o.value), r: 3.5 });
    dot.append(svg("title", {}, `${o.date}: ${o.value.toFixed(3)}${o.clouds ? " (cloud)" : ""}`));
    picture.append(dot);
  }
  const rows = all.map((o) => element("tr", {}, element("th", { scope: "row", textContent: o.date }), element("td", { className: "n", textContent: o.value === null ? "" : o.value.toFixed(3) }), element("td", { textContent: o.value === null ? "no data" : o.clouds ? "cloud" : "clear" })));
  return element(
    "figure",
    {},
    picture,
    element("figcaption", {}, svgKey("clear"), ` clear (${clear.length})  `, svgKey("cloud"), ` cloud (${seen.length - clear.length}), not in the line; beyond the scale it stands at its edge`),
    element("details", {}, element("summary", { textContent: "As a table" }), element("div", { className: "table" }, element("table", {}, element("tbody", {}, ...rows)))),
  );
}

function svgKey(kind) {
  const key = svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" });
  key.append(kind === "clear" ? svg("circle", { class: "clear", cx: 6, cy: 6, r: 4 }) : svg("path", { class: "cloud", d: "M2,2l8,8m0,-8l-8,8" }));
  return key;
}
