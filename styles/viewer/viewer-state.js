// What the reader chose, as the address keeps it.

const USUAL = { area: "", distance: "", text: "", index: "NDRE", radius: "5000", reach: "500" };

export const state = {
  on: new Map(), // id -> opacity, as they were switched on
  heat: new Set(), // ids of points that are drawn as a heat map
  date: new Map(), // id -> day of a layer that is drawn of one
  right: "", // id of the raster beyond the line
  rightDate: "", // its day, where it is drawn of one
  swipe: 0.5,
  place: null, // zoom, latitude, longitude
  ...USUAL,
};

const within = (text, usual) => {
  const number = Number(text ?? usual);
  return number >= 0 && number <= 1 ? number : usual;
};

/** Reads the address. */
export function readHash() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const part of (hash.get("layers") ?? "").split(",").filter(Boolean)) {
    const [id, opacity, ...more] = part.split(":");
    state.on.set(id, within(opacity, 1));
    if (more.includes("heat")) state.heat.add(id);
    const date = more.find((word) => /^\d{4}-\d\d-\d\d$/.test(word));
    if (date) state.date.set(id, date);
  }
  const place = (hash.get("map") ?? "").split("/").map(Number);
  if (place.length === 3 && place.every(Number.isFinite) && Math.abs(place[1]) <= 90) state.place = place;
  state.right = hash.get("right") ?? "";
  state.rightDate = hash.get("rightdate") ?? "";
  state.swipe = within(hash.get("swipe") ?? undefined, 0.5);
  for (const name of Object.keys(USUAL)) state[name] = hash.get(name) ?? state[name];
}

/** Writes it, for the view of a map. */
export function writeHash(map) {
  const { lng, lat } = map.getCenter();
  const layer = ([id, opacity]) => [id, opacity, ...(state.heat.has(id) ? ["heat"] : []), ...(state.date.has(id) ? [state.date.get(id)] : [])].join(":");
  const parts = [`map=${map.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`];
  if (state.on.size) parts.push(`layers=${[...state.on].map(layer).join(",")}`);
  if (state.right) parts.push(`right=${state.right}`, `swipe=${state.swipe.toFixed(2)}`);
  if (state.right && state.rightDate) parts.push(`rightdate=${state.rightDate}`);
  for (const [name, usual] of Object.entries(USUAL)) {
    if (state[name] !== usual) parts.push(`${name}=${encodeURIComponent(state[name])}`);
  }
  history.replaceState(null, "", `#${parts.join("&")}`);
}

/** The condition on zones in CQL2 text. */
export function condition() {
  const parts = [];
  if (state.area !== "") parts.push(`areaHa >= ${Number(state.area)}`);
  if (state.distance !== "") parts.push(`distanceM <= ${Number(state.distance)}`);
  if (state.text.trim() !== "") parts.push(`(${state.text.trim()})`);
  return parts.join(" AND ");
}
