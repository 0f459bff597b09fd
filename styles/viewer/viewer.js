// The map viewer: layers of the collections, two of them side by side, what lies under a click.
import * as maplibre from "./maplibre-gl.mjs";
import { ask, catalogue, layersOf, rankOf, withOpacity } from "./viewer-layers.js";
import { picked } from "./viewer-panels.js";

const root = document.body.dataset.root;
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

/** What the address restores. */
const state = {
  on: new Map(), // id -> opacity, as they were switched on
  heat: new Set(),
  right: "",
  swipe: 0.5,
  area: "",
  distance: "",
  text: "",
  index: "NDRE",
  radius: "5000",
  place: null, // zoom/lat/lon
};
let collections = [];
const maps = [];

// --- The address ------------------------------------------------------------------------------

function readHash() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const part of (hash.get("layers") ?? "").split(",").filter(Boolean)) {
    const [id, opacity, heat] = part.split(":");
    state.on.set(id, Math.min(Math.max(Number(opacity ?? 1), 0), 1) || (opacity === "0" ? 0 : 1));
    if (heat === "heat") state.heat.add(id);
  }
  const place = (hash.get("map") ?? "").split("/").map(Number);
  if (place.length === 3 && place.every(Number.isFinite)) state.place = place;
  state.right = hash.get("right") ?? "";
  const swipe = Number(hash.get("swipe") ?? 0.5);
  state.swipe = swipe >= 0 && swipe <= 1 ? swipe : 0.5;
  for (const name of ["area", "distance", "text", "index", "radius"]) state[name] = hash.get(name) ?? state[name];
}

function writeHash() {
  const { lng, lat } = maps[0].getCenter();
  const layers = [...state.on].map(([id, opacity]) => `${id}:${opacity}${state.heat.has(id) ? ":heat" : ""}`);
  const parts = [`map=${maps[0].getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`];
  if (layers.length) parts.push(`layers=${layers.join(",")}`);
  if (state.right) parts.push(`right=${state.right}`, `swipe=${state.swipe.toFixed(2)}`);
  for (const [name, usual] of [["area", ""], ["distance", ""], ["text", ""], ["index", "NDRE"], ["radius", "5000"]]) {
    if (state[name] !== usual) parts.push(`${name}=${encodeURIComponent(state[name])}`);
  }
  history.replaceState(null, "", `#${parts.join("&")}`);
}

// --- The map ----------------------------------------------------------------------------------

const GROUND = { light: ["#eceee8", "#c9cfc6"], dark: ["#1b2124", "#333c41"] };
const ground = () => GROUND[dark.matches ? "dark" : "light"];

/** Meridians and parallels, instead of a map from elsewhere. */
function graticule() {
  const lines = [];
  const add = (step, zoom) => {
    for (let x = -180; x <= 180; x += step) lines.push([zoom, [[x, -85], [x, 0], [x, 85]]]);
    for (let y = -80; y <= 80; y += step) lines.push([zoom, [[-180, y], [0, y], [180, y]]]);
  };
  add(10, 0);
  add(1, 5);
  const feature = ([zoom, coordinates]) => ({
    type: "Feature", properties: { zoom }, geometry: { type: "LineString", coordinates },
  });
  return { type: "FeatureCollection", features: lines.map(feature) };
}

function base() {
  const [paper, line] = ground();
  return {
    version: 8,
    sources: {
      graticule: { type: "geojson", data: graticule() },
      picked: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": paper } },
      { id: "graticule", type: "line", source: "graticule", filter: ["<=", ["get", "zoom"], ["zoom"]], paint: { "line-color": line, "line-width": 1 } },
      { id: "picked-line", type: "line", source: "picked", paint: { "line-color": "#0b63c7", "line-width": 2, "line-dasharray": [2, 1.5] } },
      {
        id: "picked-point", type: "circle", source: "picked", filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-radius": 6, "circle-color": "#0b63c7", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 },
      },
    ],
  };
}

function makeMap(container) {
  const key = sessionStorage.getItem("rededge-key");
  const map = new maplibre.Map({
    container,
    style: base(),
    center: state.place ? [state.place[2], state.place[1]] : [110, 28],
    zoom: state.place ? state.place[0] : 3,
    attributionControl: { compact: true },
    transformRequest: (url) => (key && url.startsWith(location.origin) ? { url, headers: { Authorization: `Bearer ${key}` } } : { url }),
  });
  map.shown = new Map(); // layer id -> rank
  map.on("error", (event) => event.error?.status !== 404 && tell(`A tile could not be loaded: ${event.error?.message ?? "no reason is given"}`));
  map.on("click", (event) => picked({ map, maps, event, state, visible: visible(map), collections, root, write: writeHash }));
  maps.push(map);
  return map;
}

/** Collections that a map shows, the uppermost first. */
function visible(map) {
  const right = map === maps[1];
  const shown = collections.filter((c) => (right && c.raster ? c.id === state.right : state.on.has(c.id)));
  return shown.sort((a, b) => rankOf(b) - rankOf(a));
}

/** Puts the layers of a collection where they belong: rasters below areas below points. */
async function put(map, collection) {
  const opacity = collection.id === state.right && map === maps[1] ? 1 : (state.on.get(collection.id) ?? 1);
  const heat = state.heat.has(collection.id);
  const wanted = await layersOf(collection, { heat, filter: filterFor(collection) });
  if (!wanted || !visible(map).includes(collection)) return;
  if (!map.getSource(collection.id)) map.addSource(collection.id, wanted.source);
  for (const layer of wanted.layers) {
    if (map.getLayer(layer.id)) continue;
    const rank = rankOf(collection, layer);
    const above = [...map.shown].filter(([, other]) => other > rank).map(([id]) => id);
    const first = map.getStyle().layers.find((l) => above.includes(l.id))?.id ?? "picked-line";
    map.addLayer(layer, first);
    map.shown.set(layer.id, rank);
  }
  for (const layer of wanted.layers) withOpacity(map, layer, opacity);
}

function take(map, id) {
  for (const layer of [...map.shown.keys()].filter((l) => l.startsWith(`${id}/`))) {
    map.removeLayer(layer);
    map.shown.delete(layer);
  }
  if (map.getSource(id)) map.removeSource(id);
}

/** Makes every map show what it should. */
function draw() {
  for (const map of maps.filter((m) => m.ready)) {
    const wanted = visible(map);
    for (const id of new Set([...map.shown.keys()].map((l) => l.slice(0, l.lastIndexOf("/"))))) {
      if (!wanted.some((c) => c.id === id)) take(map, id);
    }
    for (const collection of wanted) put(map, collection).catch((error) => tell(error.message));
  }
  legends();
  writeHash();
}

function redraw(collection) {
  for (const map of maps.filter((m) => m.ready)) take(map, collection.id);
  draw();
}

// --- Two sides --------------------------------------------------------------------------------

let following = false;

const view = (map) => ({ center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() });

function sides() {
  const both = Boolean(state.right);
  byId("right").hidden = byId("swipe-row").hidden = byId("edge").hidden = !both;
  if (both && maps.length === 1) {
    const right = makeMap("right");
    maps.forEach((map, k) => {
      map.on("move", () => {
        const other = maps[1 - k];
        if (following || !other) return;
        following = true;
        other.jumpTo(view(map));
        following = false;
      });
    });
    right.on("load", () => {
      right.ready = true;
      draw();
    });
  }
  if (both) {
    following = true;
    maps[1].resize();
    maps[1].jumpTo(view(maps[0]));
    following = false;
  }
  clip();
}

function clip() {
  const x = `${(state.swipe * 100).toFixed(2)}%`;
  byId("right").style.clipPath = `inset(0 0 0 ${x})`;
  byId("edge").style.left = x;
  byId("swipe").value = state.swipe;
}

// --- The list of layers -----------------------------------------------------------------------

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

function list() {
  const place = byId("layers");
  place.replaceChildren();
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let group = null;
  let items = null;
  for (const collection of collections.filter((c) => c.drawable)) {
    const text = `${collection.group} ${collection.title} ${collection.id}`.toLowerCase();
    if (!words.every((word) => text.includes(word)) && !state.on.has(collection.id)) continue;
    if (group !== collection.group) {
      group = collection.group;
      items = element("ul");
      place.append(element("section", {}, element("h3", { textContent: group }), items));
    }
    items.append(row(collection));
  }
  if (!place.children.length) place.append(element("p", { className: "empty", textContent: collections.length ? "No layer has these words." : "There is nothing to show yet: run a process first." }));
  const right = byId("compare");
  right.replaceChildren(element("option", { value: "", textContent: "one map" }));
  for (const c of collections.filter((c) => c.raster)) right.append(element("option", { value: c.id, textContent: `${c.title} (${c.group})` }));
  right.value = state.right;
}

function row(collection) {
  const id = collection.id;
  const on = element("input", { type: "checkbox", checked: state.on.has(id) });
  const item = element("li", {}, element("label", {}, on, ` ${collection.title}`));
  item.dataset.layer = id;
  const more = element("div", { className: "layer-more", hidden: !on.checked });
  const slide = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: state.on.get(id) ?? 1, ariaLabel: `Opacity of ${collection.title}` });
  slide.addEventListener("input", () => {
    state.on.set(id, Number(slide.value));
    draw();
  });
  const fit = element("button", { type: "button", className: "second small", textContent: "Zoom to it" });
  fit.addEventListener("click", () => fitTo([collection]));
  more.append(element("div", { className: "layer-row" }, slide, fit));
  if (collection.points) {
    const heat = element("input", { type: "checkbox", checked: state.heat.has(id) });
    heat.addEventListener("change", () => {
      if (heat.checked) state.heat.add(id);
      else state.heat.delete(id);
      redraw(collection);
    });
    more.append(element("label", { className: "check" }, heat, " as a heat map"));
  }
  const legend = element("div", { className: "legend" });
  legend.dataset.legend = id;
  more.append(legend);
  on.addEventListener("change", () => {
    if (on.checked) state.on.set(id, Number(slide.value));
    else state.on.delete(id);
    more.hidden = !on.checked;
    draw();
  });
  item.append(more);
  return item;
}

async function legends() {
  for (const place of document.querySelectorAll("[data-legend]")) {
    const collection = collections.find((c) => c.id === place.dataset.legend);
    if (!state.on.has(collection.id) || place.children.length) continue;
    const wanted = await layersOf(collection, {}).catch(() => null);
    if (!wanted?.legend || place.children.length) continue;
    const lines = element("ul");
    for (const entry of wanted.legend.entries ?? []) {
      const patch = element("span", { className: "patch" });
      patch.style.backgroundColor = entry.color;
      patch.style.opacity = entry.opacity ?? 1;
      lines.append(element("li", {}, patch, ` ${entry.label}`));
    }
    place.append(lines);
    if (wanted.legend.note) place.append(element("p", { className: "hint", textContent: wanted.legend.note }));
  }
}

function fitTo(some, animate = !matchMedia("(prefers-reduced-motion: reduce)").matches) {
  const boxes = some.map((c) => c.bbox).filter(Boolean);
  if (!boxes.length) return;
  const west = Math.min(...boxes.map((b) => b[0]));
  const south = Math.min(...boxes.map((b) => b[1]));
  const east = Math.max(...boxes.map((b) => b[2]));
  const north = Math.max(...boxes.map((b) => b[3]));
  maps[0].fitBounds([[west, south], [east, north]], { padding: 30, animate, duration: 600, maxZoom: 17 });
}

// --- Filter of zones --------------------------------------------------------------------------

/** The condition on zones in CQL2 text. */
function condition() {
  const parts = [];
  if (state.area !== "") parts.push(`areaHa >= ${Number(state.area)}`);
  if (state.distance !== "") parts.push(`distanceM <= ${Number(state.distance)}`);
  if (state.text.trim() !== "") parts.push(`(${state.text.trim()})`);
  return parts.join(" AND ");
}

const filterFor = (collection) => (collection.zones ? condition() : "");

async function filter() {
  const text = condition();
  const zones = collections.filter((c) => c.zones && state.on.has(c.id));
  const said = [];
  for (const collection of zones) {
    const query = text ? `&filter=${encodeURIComponent(text)}` : "";
    const answer = await ask(`${root}/collections/${collection.id}/items?f=json&limit=1${query}`);
    const told = await answer.json();
    if (!answer.ok) {
      byId("filter-fault").hidden = false;
      byId("filter-fault").textContent = told.detail ?? told.title;
      return;
    }
    said.push(`${told.numberMatched} of ${collection.count ?? "?"} in ${collection.title} (${collection.group})`);
  }
  byId("filter-fault").hidden = true;
  byId("filter-said").textContent = zones.length ? `Zones shown: ${said.join("; ")}.` : "Switch a layer of zones on to filter it.";
  for (const collection of zones) redraw(collection);
}

// --- Start ------------------------------------------------------------------------------------

function tell(text) {
  byId("said").textContent = text;
  byId("said").hidden = !text;
}

function listen() {
  byId("find").addEventListener("input", list);
  byId("compare").addEventListener("change", () => {
    state.right = byId("compare").value;
    sides();
    draw();
  });
  byId("swipe").addEventListener("input", () => {
    state.swipe = Number(byId("swipe").value);
    clip();
    writeHash();
  });
  const edge = byId("edge");
  edge.addEventListener("pointerdown", (event) => {
    edge.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  edge.addEventListener("pointermove", (event) => {
    if (!edge.hasPointerCapture(event.pointerId)) return;
    const box = byId("maps").getBoundingClientRect();
    state.swipe = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    clip();
  });
  edge.addEventListener("pointerup", writeHash);
  byId("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of ["area", "distance", "text"]) state[name] = byId(`filter-${name}`).value;
    filter().catch((error) => tell(error.message));
  });
  byId("copy").addEventListener("click", async () => {
    writeHash();
    await navigator.clipboard?.writeText(location.href).then(() => tell("The link is copied."), () => tell(location.href));
  });
  for (const name of ["area", "distance", "text"]) byId(`filter-${name}`).value = state[name];
  dark.addEventListener("change", () => {
    const [paper, line] = ground();
    for (const map of maps) {
      map.setPaintProperty("ground", "background-color", paper);
      map.setPaintProperty("graticule", "line-color", line);
    }
  });
}

async function start() {
  readHash();
  try {
    collections = await catalogue(root);
  } catch (error) {
    tell(error.message);
  }
  const known = new Set(collections.map((c) => c.id));
  const gone = [...state.on.keys(), state.right].filter((id) => id && !known.has(id));
  for (const id of gone) state.on.delete(id);
  if (gone.includes(state.right)) state.right = "";
  if (gone.length) tell(`Not here any more: ${gone.join(", ")}.`);
  if (!state.on.size && !gone.length) {
    // The newest results, with the mines that belong to them.
    const newest = collections.find((c) => c.drawable && c.job);
    const first = newest ? collections.filter((c) => c.drawable && c.job === newest.job) : collections.filter((c) => c.drawable);
    const raster = first.find((c) => c.raster);
    for (const c of first.filter((c) => c === raster || !c.raster)) state.on.set(c.id, 1);
  }
  list();
  const map = makeMap("left");
  map.addControl(new maplibre.NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), "bottom-left");
  listen();
  map.on("load", () => {
    map.ready = true;
    const shown = collections.filter((c) => state.on.has(c.id) || c.id === state.right);
    const rasters = shown.filter((c) => c.raster);
    if (!state.place) fitTo(rasters.length ? rasters : shown, false);
    sides();
    draw();
    if (condition()) filter().catch((error) => tell(error.message));
    map.once("idle", () => (document.body.dataset.ready = ""));
  });
  map.on("moveend", writeHash);
  map.on("mousemove", ({ lngLat }) => (byId("where").textContent = `${lngLat.lat.toFixed(4)}, ${lngLat.lng.toFixed(4)}`));
}

start();
