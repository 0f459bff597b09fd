// The map viewer: layers of the collections, two of them side by side, what lies under a click.
import { byId, fault, KeyWanted, tell } from "./viewer-dom.js";
import { catalogue } from "./viewer-layers.js";
import { filter, startList, zoomed } from "./viewer-list.js";
import { cannotDraw, draw, fitTo, know, listenToEdge, maps, sides, startMap } from "./viewer-map.js";
import { closeDetails, picked } from "./viewer-panels.js";
import { condition, readHash, state, writeHash } from "./viewer-state.js";

/** Opens or closes the side, which lies over the map on a phone. */
function side(open) {
  byId("side").hidden = !open;
  byId("show-side").hidden = open;
  byId("show-side").setAttribute("aria-expanded", open);
}

function listen() {
  byId("hide-side").addEventListener("click", () => {
    side(false);
    byId("show-side").focus();
  });
  byId("show-side").addEventListener("click", () => {
    side(true);
    byId("side").focus();
  });
  byId("said-close").addEventListener("click", () => tell(""));
  byId("copy").addEventListener("click", async () => {
    writeHash(maps[0]);
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    tell(copied ? "The link to this view is copied." : location.href, { stays: !copied });
  });
  addEventListener("keydown", (event) => event.key === "Escape" && closeDetails());
  // Another link to the map, in the same tab.
  addEventListener("hashchange", () => location.reload());
  listenToEdge();
}

/** Leaves out what is gone; without any choice, the newest results with the mines that belong to them. */
function choose(collections) {
  const known = new Set(collections.map((c) => c.id));
  const gone = [...state.on.keys(), state.right].filter((id) => id && !known.has(id));
  for (const id of gone) state.on.delete(id);
  if (gone.includes(state.right)) state.right = "";
  if (gone.length) tell(`Not here any more: ${gone.join(", ")}.`, { stays: true });
  if (state.on.size || gone.length) return;
  const newest = collections.find((c) => c.drawable && c.job);
  const first = collections.filter((c) => c.drawable && (!newest || c.job === newest.job));
  const raster = first.find((c) => c.raster);
  for (const c of first.filter((c) => c === raster || c.zones || c.mines)) state.on.set(c.id, 1);
}

async function start() {
  readHash();
  side(!matchMedia("(max-width: 48rem)").matches);
  listen();
  let collections = [];
  try {
    collections = await catalogue([...state.on.keys(), state.right].filter(Boolean));
  } catch (error) {
    if (error instanceof KeyWanted) byId("start-key").hidden = false;
    else fault(new Error(`The list of layers did not come: ${error.message}`));
    byId("nothing").hidden = true;
    return void (document.body.dataset.ready = "");
  }
  choose(collections);
  know(collections);
  startList(collections);
  let map;
  try {
    map = await startMap((click) => picked({ ...click, collections }));
  } catch (error) {
    cannotDraw(error);
    return void (document.body.dataset.ready = "");
  }
  const shown = collections.filter((c) => state.on.has(c.id) || c.id === state.right);
  const rasters = shown.filter((c) => c.raster);
  if (!state.place) fitTo(rasters.length ? rasters : shown, false);
  draw();
  sides();
  if (condition()) filter().catch(fault);
  map.on("zoomend", zoomed);
  zoomed();
  map.once("idle", () => (document.body.dataset.ready = ""));
}

start();
