// Collections of the server as layers of the map.

/** Asks the server, with the key where there is one. */
export function ask(url, options = {}) {
  const key = sessionStorage.getItem("rededge-key");
  const headers = { Accept: "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
  return fetch(url, { ...options, headers });
}

const link = (collection, rel) => collection.links.find((l) => l.rel === rel)?.href;

/** All collections, with what the viewer needs to know of them. */
export async function catalogue(root) {
  const all = [];
  for (let url = `${root}/collections?f=json&limit=500`; url; ) {
    const answer = await ask(url);
    if (answer.status === 401) throw new Error("This server asks for a key: sign in under Jobs, then come back.");
    if (!answer.ok) throw new Error(`The list of collections answers ${answer.status}.`);
    const page = await answer.json();
    all.push(...page.collections);
    const next = page.links.find((l) => l.rel === "next")?.href;
    url = next && root + new URL(next).pathname.slice(root.length) + new URL(next).search;
  }
  const jobs = await ask(`${root}/jobs?f=json&status=successful&limit=1000`).then((a) => (a.ok ? a.json() : { jobs: [] }));
  const made = new Map(jobs.jobs.map((job) => [job.jobID, job.created]));
  return all.map((collection) => known(collection, made));
}

function known(collection, made) {
  const job = link(collection, "via")?.split("/").pop();
  const style = collection.defaultStyle ?? collection.styles?.[0]?.id;
  const raster = ["classes", "percent", "values"].includes(collection.kind);
  const features = collection.kind === "features";
  const process = collection.links.find((l) => l.rel === "via")?.title?.match(/of (\S+) that/)?.[1];
  const fields = (collection.fields ?? []).map((f) => f.name);
  return {
    id: collection.id,
    title: collection.title,
    kind: collection.kind,
    count: collection.count,
    bbox: collection.extent?.spatial?.bbox?.[0],
    bands: collection.bands,
    job,
    group: job ? `${process ?? "job"}, ${made.has(job) ? new Date(made.get(job)).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : job.slice(0, 8)}` : "Offered by this server",
    style,
    raster,
    features,
    points: features && (style === "mines" || !fields.includes("areaHa")) && style !== "zones",
    zones: features && fields.includes("areaHa"),
    mines: features && style === "mines",
    cube: collection.kind === "cube",
    drawable: Boolean(collection.extent?.spatial && style && (raster || features)),
    own: link(collection, "self"),
  };
}

const styles = new Map();

/** The style document of a collection, once. */
function styleOf(collection) {
  if (!styles.has(collection.id)) {
    const url = `${new URL(collection.own).pathname}/styles/${encodeURIComponent(collection.style)}?f=mapbox`;
    styles.set(
      collection.id,
      ask(url).then((answer) => {
        if (!answer.ok) throw new Error(`The style of ${collection.title} answers ${answer.status}.`);
        return answer.json();
      }),
    );
  }
  return styles.get(collection.id);
}

/** Source, layers and legend of a collection; as a heat map, or narrowed by a condition. */
export async function layersOf(collection, { heat = false, filter = "" }) {
  if (!collection.drawable) return null;
  const style = await styleOf(collection);
  const [from] = Object.values(style.sources);
  const source = { ...from };
  if (filter) source.tiles = from.tiles.map((url) => `${url}${url.includes("?") ? "&" : "?"}filter=${encodeURIComponent(filter)}`);
  let layers = style.layers.map((layer) => ({ ...layer, id: `${collection.id}/${layer.id}`, source: collection.id }));
  if (heat) {
    layers = [
      {
        id: `${collection.id}/heat`,
        type: "heatmap",
        source: collection.id,
        "source-layer": layers[0]["source-layer"],
        paint: {
          "heatmap-radius": ["interpolate", ["exponential", 2], ["zoom"], 6, 6, 14, 60],
          "heatmap-color": [
            "interpolate", ["linear"], ["heatmap-density"],
            0, "rgba(255,255,178,0)", 0.2, "#fecc5c", 0.5, "#fd8d3c", 0.8, "#f03b20", 1, "#7a0016",
          ],
        },
      },
    ];
  }
  return { source, layers, legend: style.metadata?.["rededge:legend"] };
}

/** What lies above what. */
export function rankOf(collection, layer) {
  const type = layer?.type ?? (collection.raster ? "raster" : collection.zones ? "fill" : "circle");
  return { raster: 0, heatmap: 1, fill: 2, line: 3, circle: 4 }[type] ?? 3;
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
