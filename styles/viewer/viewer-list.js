// The side of the map: what is shown, with legends; all that could be; the filter of zones.
import { button, byId, element, fault, read } from "./viewer-dom.js";
import { follow } from "./viewer-grow.js";
import { dayOf, legendOf, paint } from "./viewer-layers.js";
import { draw, fade, fitTo, maps, redraw, refresh, retile, sides, visible } from "./viewer-map.js";
import { condition, state } from "./viewer-state.js";

let collections = [];

/** Makes the side for these collections. */
export function startList(all) {
  collections = all;
  const drawable = all.some((c) => c.drawable || c.growing);
  byId("all-part").hidden = byId("compare-part").hidden = !drawable;
  byId("start-empty").hidden = drawable;
  byId("find").addEventListener("input", list);
  byId("compare").addEventListener("change", () => {
    state.right = byId("compare").value;
    show();
  });
  byId("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of ["area", "distance", "text"]) state[name] = byId(`filter-${name}`).value;
    filter().catch(fault);
  });
  byId("filter-clear").addEventListener("click", () => {
    for (const name of ["area", "distance", "text"]) byId(`filter-${name}`).value = state[name] = "";
    filter().catch(fault);
  });
  for (const name of ["area", "distance", "text"]) byId(`filter-${name}`).value = state[name];
  list();
  compare();
  cards();
  for (const c of all.filter((c) => c.growing)) follow(c, grown);
}

/** A collection has grown, or has come to its end. */
function grown(collection, { first, more, fault: wrong }) {
  const old = byId("shown").querySelector(`[data-card="${collection.id}"]`);
  if (first || wrong || !collection.growing) old?.remove();
  if (first) {
    if (state.on.has(collection.id) && !state.place) fitTo([collection]);
    draw();
    list();
    compare();
  } else if (more) {
    refresh(collection);
  }
  if (wrong) collection.wrong = wrong;
  cards();
  const bar = byId("shown").querySelector(`[data-card="${collection.id}"] .growth`);
  if (bar && collection.growing) growth(bar, collection);
}

/** Shows what was chosen, everywhere. */
function show() {
  draw();
  sides();
  cards();
}

// --- All layers -------------------------------------------------------------------------------

function grouped(some) {
  const groups = new Map();
  for (const c of some) {
    const key = c.job ?? c.group;
    groups.set(key, [...(groups.get(key) ?? []), c]);
  }
  return [...groups.values()];
}

function list() {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (c) => words.every((word) => `${c.group} ${c.title} ${c.id}`.toLowerCase().includes(word));
  const found = grouped(collections.filter((c) => (c.drawable || c.growing) && fits(c)));
  const sections = found.map((group) => element("section", {}, element("h3", { textContent: group[0].group }), element("ul", {}, ...group.map(choice))));
  byId("layers").replaceChildren(...(sections.length ? sections : [element("p", { className: "empty", textContent: "No layer has these words." })]));
}

function choice(collection) {
  const box = element("input", { type: "checkbox", checked: state.on.has(collection.id) });
  box.addEventListener("change", () => turn(collection, box.checked));
  const text = element("span", { textContent: collection.short });
  return element("li", { dataset: { layer: collection.id } }, element("label", {}, box, text, tag(collection)));
}

const tag = ({ live, growing }) => (live || growing) && element("span", { className: "tag", textContent: live ? "live" : "growing" });

function turn(collection, on) {
  if (on) state.on.set(collection.id, 1);
  else state.on.delete(collection.id);
  show();
}

function compare() {
  const groups = grouped(collections.filter((c) => c.raster && c.drawable));
  const options = (group) => group.map((c) => element("option", { value: c.id, textContent: c.name }));
  const all = groups.map((group) => element("optgroup", { label: group[0].group }, ...options(group)));
  byId("compare").replaceChildren(element("option", { value: "", textContent: "nothing: one map" }), ...all);
  byId("compare").value = state.right;
}

// --- What is shown ----------------------------------------------------------------------------

function cards() {
  const coming = collections.filter((c) => !c.drawable && state.on.has(c.id) && (c.growing || c.wrong));
  const wanted = [...coming, ...visible(maps[0] ?? null), ...collections.filter((c) => c.id === state.right && !state.on.has(c.id))];
  const place = byId("shown");
  const there = new Map([...place.children].map((card) => [card.dataset.card, card]));
  place.replaceChildren(...wanted.map((c) => there.get(c.id) ?? card(c)));
  for (const c of wanted) byId(`side-of-${c.id}`).textContent = c.id === state.right ? (state.on.has(c.id) ? "both sides" : "right side") : "";
  for (const c of wanted) {
    const [row, days, right] = [".layer-row", ".day-left", ".day-right"].map((name) => place.querySelector(`[data-card="${c.id}"] ${name}`));
    row.hidden = !state.on.has(c.id) || !c.drawable;
    if (days) days.hidden = !state.on.has(c.id);
    if (right) right.hidden = c.id !== state.right;
  }
  byId("nothing").hidden = wanted.length > 0 || !collections.some((c) => c.drawable);
  byId("filter-part").hidden = !wanted.some((c) => c.zones);
  for (const box of document.querySelectorAll("[data-layer] input")) box.checked = state.on.has(box.closest("[data-layer]").dataset.layer);
}

function card(collection) {
  const { id } = collection;
  const off = button("", "icon", () => turnOff(collection), { ariaLabel: `Take ${collection.title} off the map`, title: "Take it off the map" });
  off.append(element("span", { textContent: "×", attributes: { "aria-hidden": "true" } }));
  const name = element("div", { className: "name" }, element("h3", { textContent: collection.short }), tag(collection), element("span", { className: "tag", id: `side-of-${id}` }), (collection.job || collection.live) && element("p", { className: "hint", textContent: collection.live ? `computed from ${collection.live.cube} where you look` : collection.group }));
  const slide = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: state.on.get(id) ?? 1, ariaLabel: `Opacity of ${collection.title}` });
  slide.addEventListener("input", () => {
    state.on.set(id, Number(slide.value));
    fade(collection).catch(fault);
  });
  const fit = button("Zoom to it", "second small", () => fitTo([collection]));
  fit.append(element("span", { className: "unseen", textContent: `: ${collection.title}` }));
  const legend = element("div", { className: "legend", dataset: { legend: id } });
  const made = element("li", { className: "layer", dataset: { card: id } }, element("div", { className: "layer-head" }, name, off));
  if (collection.wrong) made.append(element("p", { className: "fault", textContent: collection.wrong }));
  else if (collection.growing) made.append(growth(element("div", { className: "growth" }), collection));
  if (collection.live?.byDate) made.append(days(collection, "left"), days(collection, "right"));
  if (collection.live?.minZoom) made.append(element("p", { className: "hint coarse", textContent: "Too much to compute from so far: zoom in to see it.", hidden: !coarse(collection) }));
  made.append(legend);
  if (collection.points) made.append(heatRow(collection, legend));
  made.append(element("div", { className: "layer-row" }, element("label", {}, element("span", { textContent: "opacity" }), slide), fit));
  if (collection.drawable) fill(legend, collection);
  return made;
}

/** How far a collection is that is computed while it is looked at. */
function growth(place, { growing, short }) {
  const bar = element("progress", { max: 100, value: growing.progress, ariaLabel: `Progress of ${short}` });
  const text = growing.status === "accepted" ? "waiting" : `computing, ${growing.progress} %`;
  place.replaceChildren(bar, element("span", { className: "hint", textContent: text }));
  return place;
}

/** The days of a layer that is drawn of one, for a side. */
function days(collection, side) {
  const all = [...collection.live.dates].reverse();
  const name = side === "right" ? "right side" : "date";
  const pick = element("select", { ariaLabel: `${name} of ${collection.short}` }, ...all.map((day) => element("option", { value: day, textContent: day })));
  pick.value = dayOf(collection, side);
  const step = (by, text, label) => button(text, "second small", () => {
    const at = Math.min(Math.max(pick.selectedIndex + by, 0), all.length - 1);
    pick.selectedIndex = at;
    pick.dispatchEvent(new Event("change"));
  }, { ariaLabel: `${label} date of ${collection.short}${side === "right" ? ", right side" : ""}` });
  pick.addEventListener("change", () => {
    if (side === "right") state.rightDate = pick.value;
    else state.date.set(collection.id, pick.value);
    retile(collection).catch(fault);
    sides();
  });
  const label = element("label", {}, element("span", { textContent: name }), pick);
  return element("div", { className: `day day-${side}` }, label, step(1, "‹", "Earlier"), step(-1, "›", "Later"));
}

/** Whether the tiles of this view are coarser than what is computed; tiles are of 256 pixels, levels of the map of 512. */
const coarse = ({ live }) => Boolean(maps[0]) && maps[0].getZoom() + 1 < live.minZoom;

/** Tells of layers that are not drawn from so far. */
export function zoomed() {
  for (const hint of document.querySelectorAll(".coarse")) {
    hint.hidden = !coarse(collections.find((c) => c.id === hint.closest("[data-card]").dataset.card));
  }
}

function turnOff(collection) {
  if (collection.id === state.right) byId("compare").value = state.right = "";
  turn(collection, false);
  byId("side").focus();
}

/** Whether points are drawn as a heat map, and how far one reaches. */
function heatRow(collection, legend) {
  const on = element("input", { type: "checkbox", checked: state.heat.has(collection.id) });
  const reach = element("input", { type: "number", min: 10, step: 100, value: state.reach, ariaLabel: "Reach of a point in metres" });
  const more = element("span", { className: "reach", hidden: !on.checked }, "reach ", reach, " m");
  on.addEventListener("change", () => {
    if (on.checked) state.heat.add(collection.id);
    else state.heat.delete(collection.id);
    more.hidden = !on.checked;
    fill(legend, collection);
    redraw(collection);
  });
  reach.addEventListener("change", () => {
    state.reach = String(Math.max(Number(reach.value) || 500, 10));
    for (const each of collections.filter((c) => state.heat.has(c.id) && state.on.has(c.id))) redraw(each);
  });
  return element("div", { className: "heat" }, element("label", {}, on, element("span", { textContent: "as a heat map" })), more);
}

/** Writes the legend. */
async function fill(place, collection) {
  try {
    const legend = await legendOf(collection);
    place.replaceChildren();
    if (legend?.kind === "ramp") place.append(ramp(legend));
    else place.append(element("ul", {}, ...(legend?.entries ?? []).map((entry) => element("li", {}, patch(entry, legend.kind), element("span", { textContent: entry.label })))));
    if (legend?.note) place.append(element("p", { className: "hint", textContent: legend.note }));
  } catch (error) {
    place.replaceChildren(element("p", { className: "fault", textContent: `The legend did not come: ${error.message}` }));
  }
}

function patch(entry, kind) {
  const made = element("span", { className: "patch", dataset: { kind } });
  made.style.backgroundColor = paint(entry);
  return made;
}

function ramp({ stops, ticks }) {
  const bar = element("div", { className: "ramp" });
  bar.style.backgroundImage = `linear-gradient(to right, ${stops.map((stop) => `${paint(stop)} ${(stop.at * 100).toFixed(1)}%`).join(", ")})`;
  const labels = ticks.filter((_, k) => ticks.length < 4 || k % Math.ceil(ticks.length / 4) === 0 || k === ticks.length - 1).map(({ at, label }) => {
    const made = element("span", { textContent: label });
    // Those at the ends stay within the bar.
    made.style.left = `${at * 100}%`;
    made.style.transform = `translateX(-${at < 0.08 ? 0 : at > 0.92 ? 100 : 50}%)`;
    return made;
  });
  return element("div", { className: "ramp-box" }, bar, element("div", { className: "ramp-labels" }, ...labels));
}

// --- Filter of zones --------------------------------------------------------------------------

/** Narrows the zones that are shown, and tells how many are left. */
export async function filter() {
  const text = condition();
  const zones = collections.filter((c) => c.zones && state.on.has(c.id));
  const said = [];
  byId("filter-fault").hidden = true;
  for (const collection of zones) {
    const query = text ? `&filter=${encodeURIComponent(text)}` : "";
    try {
      const told = await read(`${collection.own}/items?f=json&limit=1${query}`);
      said.push(`${told.numberMatched.toLocaleString()} of ${collection.count?.toLocaleString() ?? "?"}${zones.length > 1 ? ` in ${collection.title}` : ""}`);
    } catch (error) {
      byId("filter-fault").textContent = error.message;
      byId("filter-fault").hidden = false;
      byId("filter-said").textContent = "";
      return;
    }
  }
  byId("filter-said").textContent = text ? `Shown: ${said.join("; ")} zones.` : "";
  byId("filter-clear").hidden = !text;
  for (const collection of zones) retile(collection).catch(fault);
}
