// The maps: one, or two on the sides of a line that is drawn across.
import * as maplibre from "./maplibre-gl.mjs";
import { byId, element, fault, KeyWanted, tell, withKey } from "./viewer-dom.js";
import { dayOf, layersOf, rankOf, withOpacity } from "./viewer-layers.js";
import { state, writeHash } from "./viewer-state.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const GROUND = { light: ["#eceee8", "#c9cfc6"], dark: ["#1b2124", "#3a444a"] };
const ground = () => GROUND[dark.matches ? "dark" : "light"];

export const maps = [];
let collections = [];
let onPick = () => {};
const collection = (features = []) => ({ type: "FeatureCollection", features });
const line = (coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } });

// --- One map ----------------------------------------------------------------------------------

function base() {
  const [paper, ink] = ground();
  return {
    version: 8,
    sources: { graticule: { type: "geojson", data: collection() }, picked: { type: "geojson", data: collection() } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": paper } },
      { id: "graticule", type: "line", source: "graticule", paint: { "line-color": ink, "line-width": 1 } },
      { id: "picked-casing", type: "line", source: "picked", paint: { "line-color": "#ffffff", "line-width": 5, "line-opacity": 0.8 } },
      { id: "picked-line", type: "line", source: "picked", paint: { "line-color": "#0b63c7", "line-width": 2, "line-dasharray": [2, 1.2] } },
      {
        id: "picked-point", type: "circle", source: "picked", filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-radius": 6, "circle-color": "#0b63c7", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 },
      },
    ],
  };
}

/** Meridians and parallels of a view, instead of a map from elsewhere. */
function graticule(map) {
  const step = [30, 10, 5, 1, 0.5, 0.1, 0.05, 0.01].find((s) => (s * 256 * 2 ** map.getZoom()) / 180 < 420) ?? 0.01;
  const box = map.getBounds();
  const [west, east] = [Math.floor(box.getWest() / step) - 1, Math.ceil(box.getEast() / step) + 1];
  const [south, north] = [Math.max(box.getSouth() - step, -85), Math.min(box.getNorth() + step, 85)];
  const lines = [];
  for (let k = west; k <= east && lines.length < 400; k++) lines.push(line([[k * step, south], [k * step, north]]));
  for (let k = Math.ceil(south / step); k * step <= north && lines.length < 800; k++) lines.push(line([[west * step, k * step], [east * step, k * step]]));
  map.getSource("graticule")?.setData(collection(lines));
}

function makeMap(container) {
  const map = new maplibre.Map({
    container,
    style: base(),
    center: state.place ? [state.place[2], state.place[1]] : [110, 28],
    zoom: state.place ? state.place[0] : 3,
    maxPitch: 0,
    dragRotate: false,
    attributionControl: { compact: true },
    transformRequest: (url) => (url.startsWith(location.origin) ? { url, headers: withKey() } : { url }),
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.shown = new Map(); // layer id -> how high it lies
  map.on("error", ({ error, sourceId }) => failed(error, sourceId));
  map.on("click", (event) => onPick({ map, lngLat: event.lngLat, point: event.point }));
  map.on("dataloading", () => (byId("busy").hidden = false));
  map.on("idle", () => (byId("busy").hidden = maps.every((m) => m.loaded())));
  map.on("moveend", () => graticule(map));
  map.getCanvas().setAttribute("aria-label", `Map${container === "right" ? ", right side" : ""}: arrow keys move it, plus and minus zoom, Enter tells what is in the middle`);
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key === "Enter") onPick({ map, lngLat: map.getCenter(), point: map.project(map.getCenter()) });
  });
  maps.push(map);
  return map;
}

/** Tells of tiles that do not come; of those that were given up, nothing. */
function failed(error, id) {
  if (!error || error.name === "AbortError" || error.status === 404) return;
  if (error.status === 401) return fault(new KeyWanted("The server does not take the key any more: sign in again."));
  const title = collections.find((c) => c.id === id)?.title;
  const why = error.status === 503 ? "the server has too much to draw; move the map to ask again" : (error.message ?? "no reason is given");
  fault(new Error(title ? `${title}: a part could not be loaded (${why}).` : why));
}

/** Tells of the collections that there are. */
export function know(all) {
  collections = all;
}

/** Starts the first map; `pick` is told of clicks. */
export function startMap(pick) {
  onPick = pick;
  const map = makeMap("left");
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.on("moveend", () => writeHash(map));
  map.on("mousemove", ({ lngLat }) => (byId("where").textContent = `${lngLat.lat.toFixed(4)}, ${lngLat.lng.toFixed(4)}`));
  dark.addEventListener("change", () => {
    const [paper, ink] = ground();
    for (const each of maps) {
      each.setPaintProperty("ground", "background-color", paper);
      each.setPaintProperty("graticule", "line-color", ink);
    }
  });
  return new Promise((done) => {
    map.on("load", () => {
      map.ready = true;
      graticule(map);
      done(map);
    });
  });
}

/** Goes where some collections are. */
export function fitTo(some, animate = !still.matches) {
  const boxes = some.map((c) => c.bbox).filter(Boolean);
  if (!boxes.length) return;
  const [west, south] = [0, 1].map((k) => Math.min(...boxes.map((b) => b[k])));
  const [east, north] = [2, 3].map((k) => Math.max(...boxes.map((b) => b[k])));
  maps[0].fitBounds([[west, south], [east, north]], { padding: 40, animate, duration: 600, maxZoom: 17 });
}

/** Marks features that were picked. */
export function mark(features) {
  for (const map of maps) map.getSource("picked")?.setData(collection(features));
}

// --- What they show ---------------------------------------------------------------------------

/** Collections that a map shows, the uppermost first. */
export function visible(map) {
  const right = map === maps[1];
  const order = [...state.on.keys()];
  const shown = collections.filter((c) => c.drawable && (right && c.raster ? c.id === state.right : state.on.has(c.id)));
  return shown.sort((a, b) => rankOf(b) - rankOf(a) || order.indexOf(b.id) - order.indexOf(a.id));
}

/** Puts the layers of a collection where they belong: rasters below areas below points, later above earlier. */
async function put(map, wanted) {
  const { source, layers } = await layersOf(wanted, sideOf(map));
  if (!visible(map).includes(wanted)) return;
  if (!map.getSource(wanted.id)) map.addSource(wanted.id, source);
  const order = [...state.on.keys()].indexOf(wanted.id) + 1;
  for (const layer of layers.filter((l) => !map.getLayer(l.id))) {
    const height = rankOf(wanted, layer) * 10_000 + order;
    const above = map.getStyle().layers.find((l) => map.shown.get(l.id) > height)?.id ?? "picked-casing";
    map.addLayer(layer, above);
    map.shown.set(layer.id, height);
  }
  for (const layer of layers) withOpacity(map, layer, opacityOf(wanted, map));
}

const sideOf = (map) => (map === maps[1] ? "right" : "left");
const opacityOf = (wanted, map) => (wanted.id === state.right && map === maps[1] ? 1 : (state.on.get(wanted.id) ?? 1));

function take(map, id) {
  for (const layer of [...map.shown.keys()].filter((l) => l.startsWith(`${id}/`))) {
    map.removeLayer(layer);
    map.shown.delete(layer);
  }
  if (map.getSource(id)) map.removeSource(id);
}

const ready = () => maps.filter((map) => map.ready);

/** Makes every map show what it should. */
export function draw() {
  for (const map of ready()) {
    const wanted = visible(map);
    for (const id of new Set([...map.shown.keys()].map((l) => l.slice(0, l.lastIndexOf("/"))))) {
      if (!wanted.some((c) => c.id === id)) take(map, id);
    }
    for (const each of wanted) put(map, each).catch(fault);
  }
  writeHash(maps[0]);
}

/** Draws a collection anew, in another way. */
export function redraw(changed) {
  for (const map of ready()) take(map, changed.id);
  draw();
}

/** The same layers of other tiles: those that are there stay until these come. */
export async function retile(changed) {
  for (const map of ready().filter((m) => m.getSource(changed.id))) {
    const { source } = await layersOf(changed, sideOf(map));
    map.getSource(changed.id).setTiles(source.tiles);
  }
  writeHash(maps[0]);
}

/** The same tiles, as they are by now. */
export function refresh(changed) {
  for (const map of ready().filter((m) => m.getSource(changed.id))) map.refreshTiles(changed.id);
}

/** Only the opacity of a collection has changed. */
export async function fade(changed) {
  const { layers } = await layersOf(changed);
  for (const map of ready()) for (const layer of layers.filter((l) => map.getLayer(l.id))) withOpacity(map, layer, opacityOf(changed, map));
  writeHash(maps[0]);
}

// --- Two sides --------------------------------------------------------------------------------

let following = false;

function together(act) {
  following = true;
  act();
  following = false;
}

/** One map or two, as the reader chose. */
export function sides() {
  const right = collections.find((c) => c.id === state.right);
  byId("right").hidden = byId("edge").hidden = !right;
  if (right && maps.length === 1) {
    const second = makeMap("right");
    maps.forEach((map, k) => map.on("move", () => following || together(() => maps[1 - k].jumpTo({ center: map.getCenter(), zoom: map.getZoom() }))));
    second.on("load", () => {
      second.ready = true;
      graticule(second);
      draw();
    });
  }
  if (right) {
    together(() => {
      maps[1].resize();
      maps[1].jumpTo({ center: maps[0].getCenter(), zoom: maps[0].getZoom() });
    });
  }
  const left = visible(maps[0]).find((c) => c.raster);
  const told = (c, side) => [c.name, dayOf(c, side)].filter(Boolean).join(", ");
  byId("name-left").textContent = left ? told(left, "left") : "no raster";
  byId("name-right").textContent = right ? told(right, "right") : "";
  byId("name-left").hidden = byId("name-right").hidden = !right;
  clip();
}

function clip() {
  const x = `${(state.swipe * 100).toFixed(2)}%`;
  const edge = byId("edge");
  byId("right").style.clipPath = `inset(0 0 0 ${x})`;
  edge.style.left = x;
  edge.setAttribute("aria-valuenow", Math.round(state.swipe * 100));
  edge.setAttribute("aria-valuetext", `${Math.round(state.swipe * 100)} % from the left`);
}

const STEPS = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

/** The line between the sides, by pointer and by keys. */
export function listenToEdge() {
  const edge = byId("edge");
  const to = (share) => {
    state.swipe = Math.min(Math.max(share, 0), 1);
    clip();
  };
  edge.addEventListener("pointerdown", (event) => edge.setPointerCapture(event.pointerId));
  edge.addEventListener("pointermove", (event) => {
    if (!edge.hasPointerCapture(event.pointerId)) return;
    const box = byId("maps").getBoundingClientRect();
    to((event.clientX - box.left) / box.width);
  });
  edge.addEventListener("pointerup", () => writeHash(maps[0]));
  edge.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    to(state.swipe + STEPS[event.key]);
    writeHash(maps[0]);
  });
}

/** Why there is no map, where the browser cannot draw one. */
export function cannotDraw(error) {
  byId("maps").prepend(element("p", { className: "empty alone", textContent: `This browser cannot draw the map: ${error.message ?? "it has no WebGL"}. The collections are there for QGIS and other programs.` }));
  tell("");
}
