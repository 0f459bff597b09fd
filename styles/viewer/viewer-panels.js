// What lies under a click: values of rasters, series of cubes, zones with their mines.
import { chart } from "./viewer-chart.js";
import { button, byId, element, read } from "./viewer-dom.js";
import { dayOf } from "./viewer-layers.js";
import { mark, maps, visible } from "./viewer-map.js";
import { state, writeHash } from "./viewer-state.js";

let latest = 0;

/** Closes the panel. */
export function closeDetails() {
  if (byId("details").hidden) return;
  latest++;
  byId("details").hidden = true;
  mark([]);
  maps[0].getCanvas().focus({ preventScroll: true });
}

/** Tells of a click. Answers of an earlier one that come late are dropped. */
export async function picked(click) {
  const mine = ++latest;
  const lngLat = click.lngLat.wrap();
  const place = [lngLat.lng, lngLat.lat];
  const panel = byId("details");
  delete panel.dataset.done;
  const close = button("", "icon", closeDetails, { ariaLabel: "Close" });
  close.append(element("span", { textContent: "×", attributes: { "aria-hidden": "true" } }));
  const head = element("div", { className: "details-head" }, element("h2", { textContent: `${lngLat.lat.toFixed(5)}, ${lngLat.lng.toFixed(5)}` }), close);
  const wait = element("p", { className: "hint wait", textContent: "Asking the server." });
  panel.replaceChildren(head, wait);
  panel.hidden = false;
  mark([point(place)]);
  uncover(click);
  const current = () => mine === latest;
  const parts = [features(click, current), values(click, place), series(click, place, current)];
  for (const part of parts) {
    const slot = element("div");
    panel.insertBefore(slot, wait);
    part.then(
      (made) => current() && made && slot.append(made),
      (error) => current() && slot.append(element("p", { className: "fault", textContent: error.message })),
    );
  }
  await Promise.allSettled(parts);
  if (!current()) return;
  if (panel.querySelector(":scope > div:not(.details-head) > *")) wait.remove();
  else wait.textContent = "No layer that is shown says anything of this place.";
  panel.dataset.done = "";
}

/** Moves the map where the panel would hide what was picked. */
function uncover({ map, lngLat, point: at }) {
  const [panel, box] = [byId("details").getBoundingClientRect(), byId("maps").getBoundingClientRect()];
  const [x, y] = [at.x + box.left, at.y + box.top];
  if (x < panel.left - 12 || y < panel.top - 12 || y > panel.bottom + 12) return;
  const beside = panel.width < box.width * 0.7;
  map.easeTo({ center: lngLat, offset: beside ? [-panel.width / 2, 0] : [0, -panel.height / 2], duration: 300 });
}

const point = (coordinates, properties = {}) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates } });
const row = (name, value) => element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: value }));
const table = (rows) => element("div", { className: "table" }, element("table", {}, element("tbody", {}, ...rows)));

// --- Rasters ----------------------------------------------------------------------------------

/** The rasters of both sides, each with its side. */
function rasters() {
  const left = visible(maps[0]).filter((c) => c.raster).map((c) => [c, "left"]);
  const right = maps[1] ? visible(maps[1]).filter((c) => c.raster).map((c) => [c, "right"]) : [];
  return [...left, ...right.filter(([c, side]) => !left.some(([other]) => other === c && dayOf(c, side) === dayOf(c, "left")))];
}

async function values(click, [lng, lat]) {
  const value = async ([collection, side]) => {
    const day = dayOf(collection, side);
    const told = await read(`${collection.own}/point?lon=${lng}&lat=${lat}${day ? `&datetime=${day}` : ""}`).catch(() => ({}));
    if (told.value === null || told.value === undefined) return null;
    return row([collection.name, day].filter(Boolean).join(", "), told.class ?? `${Number(told.value.toPrecision(4))} ${told.unit ?? ""}`);
  };
  const rows = (await Promise.all(rasters().map(value))).filter(Boolean);
  return rows.length ? element("section", {}, element("h3", { textContent: "Here" }), table(rows)) : null;
}

// --- Features ---------------------------------------------------------------------------------

const said = (value) => (typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value));

async function features(click, current) {
  const { map, point: at } = click;
  const layers = [...map.shown.keys()].filter((id) => map.getLayer(id) && !["raster", "heatmap"].includes(map.getLayer(id).type));
  const reach = [[at.x - 6, at.y - 6], [at.x + 6, at.y + 6]];
  const [hit] = layers.length ? map.queryRenderedFeatures(reach, { layers }) : [];
  const collection = hit && visible(map).find((c) => c.id === hit.source);
  if (!collection) return null;
  const rows = Object.entries(hit.properties).filter(([, value]) => value !== null && value !== "").map(([name, value]) => row(name, said(value)));
  const section = element("section", {}, element("h3", { textContent: collection.name }), table(rows));
  if (collection.zones) section.append((await minesOf(click, collection, hit, current)) ?? "");
  return section;
}

/** The mines around a zone, with lines to them. */
async function minesOf(click, zones, hit, current) {
  const mines = click.collections.find((c) => c.mines && c.job === zones.job) ?? click.collections.find((c) => c.mines);
  if (!mines) return element("p", { className: "hint", textContent: "There is no layer of mines." });
  const zone = await whole(zones, hit);
  const corners = zone.geometry.coordinates.flat(zone.geometry.type === "MultiPolygon" ? 2 : 1);
  const radius = Number(state.radius) || 5000;
  const [lons, lats] = [corners.map((c) => c[0]), corners.map((c) => c[1])];
  const up = radius / 111_000;
  const across = up / Math.max(Math.cos((lats[0] * Math.PI) / 180), 0.01);
  const box = [Math.min(...lons) - across, Math.min(...lats) - up, Math.max(...lons) + across, Math.max(...lats) + up];
  const found = (await read(`${mines.own}/items?f=json&limit=500&bbox=${box.join(",")}`)).features
    .filter((mine) => mine.geometry?.type === "Point")
    .map((mine) => ({ mine, ...nearest(corners, mine.geometry.coordinates) }))
    .filter((near) => near.metres <= radius)
    .sort((a, b) => a.metres - b.metres);
  if (current()) mark(marks(zone, found, click));
  const input = element("input", { type: "number", min: 0, step: 500, value: radius, id: "mines-radius" });
  input.addEventListener("change", () => {
    state.radius = input.value;
    writeHash(maps[0]);
    picked(click);
  });
  const items = found.map((near) => item(click, near));
  const head = element("label", { className: "mines-head", htmlFor: "mines-radius" }, element("h4", { textContent: "Mines within (m)" }), input);
  const count = element("p", { className: "hint", textContent: found.length ? `${found.length} of ${mines.name}, the nearest first` : "None is so near." });
  return element("div", { className: "mines" }, head, count, element("ol", {}, ...items));
}

function item(click, { mine, metres }) {
  const told = (names) => names.map((n) => mine.properties[n]).find((v) => v !== undefined && v !== null && v !== "");
  const go = button(String(told(["name", "title", "id", "mine_id"]) ?? mine.id), "plain link", () => click.map.easeTo({ center: mine.geometry.coordinates }));
  const what = told(["commodity", "kind", "type"]);
  return element("li", {}, go, ` ${what ? `${what}, ` : ""}${metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`}`);
}

/** The outline of a zone, and lines from it to mines. */
function marks(zone, found, click) {
  const rings = zone.geometry.type === "MultiPolygon" ? zone.geometry.coordinates.flat() : zone.geometry.coordinates;
  const outline = { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: rings } };
  const lines = found.map(({ corner, mine }) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [corner, mine.geometry.coordinates] } }));
  return [outline, ...lines, ...found.map(({ mine }) => point(mine.geometry.coordinates)), point(click.lngLat.toArray())];
}

/** The zone as it is kept: in a tile it is cut and simplified. */
async function whole(zones, hit) {
  const number = hit.properties.id;
  if (number !== undefined) {
    const filter = encodeURIComponent(`id = ${typeof number === "number" ? number : `'${String(number).replaceAll("'", "''")}'`}`);
    const told = await read(`${zones.own}/items?f=json&limit=1&filter=${filter}`).catch(() => ({ features: [] }));
    if (told.features[0]?.geometry) return told.features[0];
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

/** The series of a cube that covers the place: of the year that is looked at, where it is known. */
async function series(click, [lng, lat], current) {
  const inside = (c) => c.bbox && lng >= c.bbox[0] && lng <= c.bbox[2] && lat >= c.bbox[1] && lat <= c.bbox[3];
  const cubes = click.collections.filter((c) => c.cube && inside(c));
  if (!cubes.length) return null;
  const shown = visible(click.map).filter((c) => c.raster).map((c) => c.live?.cube ?? c.subject);
  const which = element("select", { id: "series-of" }, ...cubes.map((c) => element("option", { value: c.own, textContent: c.title })));
  which.value = (cubes.find((c) => shown.includes(c.subject)) ?? cubes[0]).own;
  const index = element("input", { type: "text", id: "series-index", value: state.index, autocomplete: "off", attributes: { list: "indices" } });
  const names = element("datalist", { id: "indices" }, ...INDICES.map((value) => element("option", { value })));
  const place = element("div", { className: "chart" });
  let asked = 0;
  const load = async () => {
    const mine = ++asked;
    place.setAttribute("aria-busy", "true");
    const made = await read(`${which.value}/series?lon=${lng}&lat=${lat}&index=${encodeURIComponent(index.value)}`).then(chart, (error) => element("p", { className: "fault", textContent: error.message }));
    if (!current() || mine !== asked) return;
    place.removeAttribute("aria-busy");
    place.replaceChildren(made);
  };
  for (const control of [which, index]) {
    control.addEventListener("change", () => {
      state.index = index.value;
      writeHash(maps[0]);
      load();
    });
  }
  const field = (text, control) => element("label", { htmlFor: control.id }, element("span", { textContent: text }), control);
  const section = element("section", {}, element("h3", { textContent: "Series" }), element("div", { className: "series-of" }, field("Scenes", which), field("Spectral index or band", index), names), place);
  await load();
  return section;
}
