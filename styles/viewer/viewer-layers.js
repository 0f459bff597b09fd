// Collections of the server as layers of the map.
import { ask, read, root } from "./viewer-dom.js";
import { condition, state } from "./viewer-state.js";

const link = (collection, rel) => collection.links.find((l) => l.rel === rel);

/** Job -> when it was made. */
let made = new Map();

/** All collections, with what the viewer needs to know of them; beside those that are listed, those of `wanted` ids. */
export async function catalogue(wanted) {
  const all = [];
  for (let url = `${root}/collections?f=json&limit=500`; url; ) {
    const page = await read(url);
    all.push(...page.collections);
    const next = page.links.find((l) => l.rel === "next")?.href;
    url = next && here(next);
  }
  const jobs = await ask(`${root}/jobs?f=json&limit=1000`).then((a) => (a.ok ? a.json() : { jobs: [] }));
  made = new Map(jobs.jobs.map((job) => [job.jobID, job.created]));
  const missing = wanted.filter((id) => !all.some((c) => c.id === id));
  const found = await Promise.all(missing.map((id) => read(`${root}/collections/${encodeURIComponent(id)}?f=json`).catch(() => null)));
  return [...all, ...found.filter(Boolean)].map(known);
}

/** Reads a collection again: its members are what they are now. */
export async function again(collection) {
  Object.assign(collection, known(await read(`${collection.own}?f=json`)));
}

/** A link of the server as seen from this page, which may reach it by another name. */
const here = (href) => {
  const url = new URL(href);
  return url.pathname + url.search;
};

const words = (id) => id.charAt(0).toUpperCase() + id.slice(1).replaceAll("-", " ");
const moment = (time) => new Date(time).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function known(collection) {
  const via = link(collection, "via");
  const job = via?.href.split("/").pop();
  const process = via?.title?.match(/of (\S+) that/)?.[1];
  const [short, subject] = process ? collection.title.split(` of ${process}`) : [collection.title, ""];
  const style = collection.defaultStyle ?? collection.styles?.[0]?.id;
  const raster = ["classes", "percent", "values"].includes(collection.kind);
  const features = collection.kind === "features";
  const fields = (collection.fields ?? []).map((f) => f.name);
  const of = subject?.replace(/^, /, "");
  const from = [process && words(process), of, made.has(job) && moment(made.get(job))];
  return {
    id: collection.id,
    title: collection.title,
    short,
    name: of ? `${short}, ${of}` : collection.title,
    subject: of || collection.offeredAs,
    kind: collection.kind,
    count: collection.count,
    range: collection.range,
    bbox: collection.extent?.spatial?.bbox?.[0],
    job,
    group: job ? from.filter(Boolean).join(" · ") : collection.live ? "Live: computed where you look" : "Offered by this server",
    style,
    raster,
    features,
    points: features && !fields.includes("areaHa") && style !== "zones",
    zones: features && fields.includes("areaHa"),
    mines: features && style === "mines" && (fields.includes("commodity") || /mine/i.test(collection.id)),
    cube: collection.kind === "cube",
    drawable: Boolean(collection.extent?.spatial && style && (raster || features)),
    growing: collection.status ? { status: collection.status, progress: collection.progress ?? 0 } : null,
    live: collection.live ?? null,
    own: here(link(collection, "self").href),
  };
}

// --- Styles -----------------------------------------------------------------------------------

const documents = new Map();

/** A document that does not change while the page is open, once. */
function once(url) {
  if (!documents.has(url)) {
    const asked = read(url);
    documents.set(url, asked);
    asked.catch(() => documents.delete(url));
  }
  return documents.get(url);
}

const styleOf = (collection) => once(`${collection.own}/styles/${encodeURIComponent(collection.style)}?f=mapbox`);
const heatStyle = () => once(`${root}/styles/heat-map?f=mapbox`);
const legendIn = (style) => style.metadata?.["rededge:legend"];

/** Colour and opacity of a legend as one colour. */
export function paint({ color, opacity = 1 }) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${opacity})`;
}

/** Entries of a ramp with their places along it, from 0 to 1. */
function placed(entries, [low, high] = [entries[0].value, entries.at(-1).value]) {
  return entries.map((entry) => ({ ...entry, at: (entry.value - low) / (high - low || 1) }));
}

/** The legend of a collection as it is drawn; of a ramp its stops and its ticks. */
export async function legendOf(collection) {
  if (state.heat.has(collection.id)) {
    const stops = placed(legendIn(await heatStyle()).entries);
    return { kind: "ramp", stops, ticks: [{ at: 0, label: "none" }, { at: 1, label: "many" }] };
  }
  const legend = legendIn(await styleOf(collection));
  if (legend?.kind === "ramp") {
    const ramp = collection.range ? await once(`${root}/styles/${encodeURIComponent(collection.style)}?f=mapbox`).then(legendIn) : legend;
    return { ...legend, stops: placed(ramp.entries), ticks: placed(legend.entries, collection.range) };
  }
  const one = legend?.entries?.length === 1 && ["point", "polygon"].includes(legend.kind);
  return one ? { ...legend, entries: [{ ...legend.entries[0], label: counted(collection) }] } : legend;
}

const counted = (collection) => (collection.count === undefined ? collection.short : `${collection.count.toLocaleString()} ${collection.count === 1 ? "feature" : "features"}`);

/** The day of a layer of days that a side shows. */
export function dayOf(collection, side) {
  if (!collection.live?.byDate) return null;
  const chosen = side === "right" ? state.rightDate : state.date.get(collection.id);
  return collection.live.dates.includes(chosen) ? chosen : collection.live.dates.at(-1);
}

/** What is asked of the tiles of a collection beyond their place. */
function queryOf(collection, side) {
  const query = new URLSearchParams();
  if (collection.zones && condition()) query.set("filter", condition());
  const day = dayOf(collection, side);
  if (day) query.set("datetime", day);
  return query.toString();
}

/** Source and layers of a collection, as the reader wants it on a side. */
export async function layersOf(collection, side) {
  const style = await styleOf(collection);
  const [from] = Object.values(style.sources);
  const query = queryOf(collection, side);
  const address = (url) => new URL(here(url), location.origin).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const tiles = from.tiles.map((url) => address(url) + (query ? `&${query}` : ""));
  const source = { ...from, tiles, ...(collection.bbox && { bounds: bounds(collection.bbox) }) };
  if (collection.live?.minZoom) source.minzoom = collection.live.minZoom;
  const layers = style.layers.map((layer) => ({ ...layer, id: `${collection.id}/${layer.id}`, source: collection.id }));
  if (!state.heat.has(collection.id)) return { source, layers };
  return { source, layers: [heat(collection, layers[0]["source-layer"], legendIn(await heatStyle()).entries)] };
}

/** No tile is asked for where nothing is; across the date line all are. */
const bounds = ([west, south, east, north]) => (west <= east ? [west, Math.max(south, -85.05), east, Math.min(north, 85.05)] : [-180, -85.05, 180, 85.05]);

/** Points as a heat map, whose reach is metres on the ground at every zoom. */
function heat(collection, from, entries) {
  const latitude = collection.bbox ? (collection.bbox[1] + collection.bbox[3]) / 2 : 0;
  // Three standard deviations of the library's kernel, in pixels of zoom 0.
  const reach = (3 * Math.max(Number(state.reach) || 500, 10)) / (78_271.517 * Math.cos((latitude * Math.PI) / 180));
  const ramp = entries.flatMap((entry, k) => [k / (entries.length - 1), paint(entry)]);
  return {
    id: `${collection.id}/heat`,
    type: "heatmap",
    source: collection.id,
    "source-layer": from,
    paint: {
      "heatmap-radius": ["interpolate", ["exponential", 2], ["zoom"], 0, reach, 24, reach * 2 ** 24],
      // One point alone comes to three fifths of the ramp.
      "heatmap-intensity": 1.5,
      "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], ...ramp],
    },
  };
}

// --- Drawing ----------------------------------------------------------------------------------

const RANK = { raster: 0, heatmap: 1, fill: 2, line: 3, circle: 4 };

/** What lies above what. */
export function rankOf(collection, layer) {
  const type = layer?.type ?? (collection.raster ? "raster" : collection.zones ? "fill" : state.heat.has(collection.id) ? "heatmap" : "circle");
  return RANK[type] ?? RANK.line;
}

const OPACITIES = {
  raster: ["raster-opacity"],
  fill: ["fill-opacity"],
  line: ["line-opacity"],
  circle: ["circle-opacity", "circle-stroke-opacity"],
  heatmap: ["heatmap-opacity"],
};

/** The style's own opacity, times what the reader chose. */
export function withOpacity(map, layer, opacity) {
  for (const name of OPACITIES[layer.type] ?? []) map.setPaintProperty(layer.id, name, (layer.paint?.[name] ?? 1) * opacity);
}
