// What the pages of the server do beyond standing there: forms become requests, jobs are followed,
// a key is kept for the tab. Without it every page still shows what there is.
"use strict";

const root = document.body.dataset.root;
const KEY = "rededge-key";
const byId = (id) => document.getElementById(id);
const key = () => sessionStorage.getItem(KEY);

/** Asks the server, with the key where there is one. */
function ask(url, options = {}) {
  const headers = { ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  return fetch(url, { ...options, headers, cache: "no-store" });
}

/** Shows the page anew, as the server tells it now. */
async function again() {
  const answer = await ask(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  document.title = page.title;
  byId("main").replaceWith(document.adoptNode(page.getElementById("main")));
  if (page.body.dataset.known !== undefined) document.body.dataset.known = "";
  start();
  if (focused) byId(focused)?.focus();
  return answer;
}

// --- Keys -------------------------------------------------------------------------------------

function signIn() {
  const form = byId("sign-in");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, byId("key").value.trim());
    // The map is a page that anybody may see; its layers are not.
    const app = document.querySelector("[data-app]");
    const answer = app ? await ask(`${root}/collections?f=json&limit=1`) : await again();
    if (answer.status === 401) {
      sessionStorage.removeItem(KEY);
      say(byId("key-fault"), "The server does not know this key.");
      byId("key").focus();
    } else if (app) {
      location.reload();
    } else {
      signOut();
      byId("main").focus();
    }
  });
}

function signOut() {
  const button = byId("sign-out");
  if (!button) return;
  button.hidden = !key();
  byId("to-sign-in")?.toggleAttribute("hidden", Boolean(key()));
  button.onclick = () => {
    sessionStorage.removeItem(KEY);
    location.assign(`${root}/`);
  };
}

/** Pictures and files that a plain link could not open without the key. */
function keyed() {
  if (!key()) return;
  for (const img of document.querySelectorAll("img[data-picture]")) {
    ask(img.dataset.picture).then((answer) => answer.blob()).then((blob) => {
      img.src = URL.createObjectURL(blob);
    });
  }
  for (const link of document.querySelectorAll("a[data-file]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const blob = await (await ask(link.href)).blob();
      const file = document.createElement("a");
      file.href = URL.createObjectURL(blob);
      file.download = link.download;
      file.click();
      setTimeout(() => URL.revokeObjectURL(file.href), 60000);
    });
  }
}

// --- Jobs -------------------------------------------------------------------------------------

/** Follows a job until it is over. */
function follow() {
  const job = byId("job");
  if (!job || ["successful", "failed", "dismissed"].includes(job.dataset.status)) return;
  const url = job.dataset.job;
  let wait = 500;
  const look = async () => {
    if (!job.isConnected) return;
    if (!document.hidden) {
      try {
        const answer = await ask(url, { headers: { Accept: "application/json" } });
        const status = await answer.json();
        await logs(url);
        if (!answer.ok || status.status !== job.dataset.status) return void (await again());
        const percent = status.progress ?? 0;
        byId("progress").value = percent;
        byId("percent").textContent = `${percent} %`;
        if (byId("message").textContent !== status.message) byId("message").textContent = status.message ?? "";
        document.title = `${percent} % ${document.title.replace(/^\d+ % /, "")}`;
      } catch {
        byId("message").textContent = "The server does not answer; trying again.";
      }
      wait = Math.min(wait * 1.3, 3000);
    }
    setTimeout(look, wait);
  };
  setTimeout(look, wait);
  const button = byId("cancel");
  button.hidden = false;
  button.addEventListener("click", () => byId("sure").showModal());
  byId("sure").addEventListener("close", async () => {
    if (byId("sure").returnValue !== "yes") return;
    button.disabled = true;
    byId("message").textContent = "Stopping.";
    await ask(url, { method: "DELETE", headers: { Accept: "application/json" } });
    await again();
    byId("main").focus();
  });
}

async function logs(url) {
  const log = byId("log");
  const answer = await ask(`${url}/log?from=${log.dataset.next}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const window = log.parentElement;
  const atEnd = window.scrollTop + window.clientHeight >= window.scrollHeight - 8;
  for (const line of (await answer.json()).lines) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = line.time;
    time.textContent = line.time.slice(11, 19);
    const text = document.createElement("span");
    text.textContent = line.text;
    item.append(time, " ", text);
    log.append(item);
    log.dataset.next = line.number + 1;
  }
  if (atEnd) window.scrollTop = window.scrollHeight;
}

// --- Forms ------------------------------------------------------------------------------------

/** What is wrong with an input, and where. */
class Fault extends Error {
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

function say(place, text) {
  place.textContent = text;
  place.hidden = !text;
}

const NONE = undefined;
const own = (field, selector) => [...field.querySelectorAll(selector)].filter((e) => e.closest(".field") === field);
const part = (field, name) => own(field, ".part").find((p) => p.dataset.part === name);

/** The first control that checks itself and fails is the fault. */
function checked(field, control) {
  if (!control.checkValidity()) throw new Fault(field, control.validationMessage);
  return control.value.trim();
}

const READ = {
  text: (field) => checked(field, own(field, "input")[0]) || NONE,
  number: (field) => {
    const text = checked(field, own(field, "input")[0]);
    return text === "" ? NONE : Number(text);
  },
  switch: (field) => ({ true: true, false: false })[own(field, "select")[0].value],
  choice: (field) => {
    const text = own(field, "select")[0].value;
    return text === "" ? NONE : JSON.parse(text);
  },
  choices: (field) => ticked(own(field, "input")),
  list: (field) => {
    const words = own(field, "input")[0].value.split(/[,;\n]/).map((w) => w.trim()).filter(Boolean);
    if (words.length === 0) return NONE;
    if (field.dataset.numbers === undefined) return words;
    const wrong = words.find((word) => Number.isNaN(Number(word)));
    if (wrong !== undefined) throw new Fault(field, `"${wrong}" is not a number.`);
    return words.map(Number);
  },
  dates: (field) => {
    const [first, last] = own(field, "input").map((input) => checked(field, input));
    return first || last ? `${first || ".."}/${last || ".."}` : NONE;
  },
  bbox: (field) => box(field, own(field, ".row")[0]),
  json: (field) => parsed(field, own(field, "textarea")[0].value),
  bytes: async (field) => {
    const file = own(field, "input")[0].files[0];
    return file ? base64(file) : NONE;
  },
  source: (field) => source(field),
  group: (field) => members(field),
  variants: async (field) => {
    const which = own(field, "select")[0].value;
    if (which === "") return NONE;
    const chosen = part(field, which);
    const fixed = JSON.parse(chosen.dataset.fixed);
    return typeof fixed === "object" ? { ...fixed, ...(await members(chosen)) } : fixed;
  },
  rows: async (field) => {
    const items = own(field, ".item");
    const rows = [];
    for (const item of items) rows.push((await members(item)) ?? {});
    return rows.length ? rows : NONE;
  },
};

function ticked(inputs) {
  const values = inputs.filter((input) => input.checked).map((input) => JSON.parse(input.value));
  return values.length ? values : NONE;
}

function parsed(field, text) {
  if (text.trim() === "") return NONE;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault(field, `This is not JSON: ${error.message}.`);
  }
}

function box(field, row) {
  const sides = [...row.querySelectorAll("[data-side]")].map((input) => checked(field, input));
  if (sides.every((side) => side === "")) return NONE;
  if (sides.some((side) => side === "")) throw new Fault(field, "A box has four sides: west, south, east and north.");
  const crs = row.querySelector("[data-crs]").value.trim();
  return { bbox: sides.map(Number), ...(crs && { crs }) };
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

const TYPES = {
  csv: "text/csv", gpkg: "application/geopackage+sqlite3", fgb: "application/flatgeobuf", tif: "image/tiff",
  tiff: "image/tiff", zip: "application/zip",
};

/** A text as an input takes it: JSON as it is, anything else with its type. */
function given(text, mediaType = "text/csv") {
  try {
    return JSON.parse(text);
  } catch {
    return { value: text, mediaType };
  }
}

async function source(field) {
  const from = own(field, "select")[0].value;
  if (from === "") return NONE;
  if (from.startsWith("name:")) return from.slice(5);
  const place = part(field, from);
  const input = place.querySelector("input, textarea");
  const empty = (what) => new Fault(field, what);
  switch (from) {
    case "several": {
      const names = ticked([...place.querySelectorAll("input")]);
      if (!names) throw empty("Choose at least one.");
      return names;
    }
    case "bbox": {
      const found = box(field, place);
      if (!found) throw empty("A box has four sides: west, south, east and north.");
      return found;
    }
    case "text":
      if (input.value.trim() === "") throw empty("Paste GeoJSON or CSV.");
      return given(input.value);
    case "file": {
      const file = input.files[0];
      if (!file) throw empty("Choose a file.");
      const ending = file.name.split(".").pop().toLowerCase();
      if (["json", "geojson"].includes(ending)) return given(await file.text());
      return { value: await base64(file), encoding: "base64", mediaType: TYPES[ending] ?? "application/octet-stream" };
    }
    case "result":
      if (input.value.trim() === "") throw empty("Give the link of the result.");
      return { href: input.value.trim() };
    default:
      if (checked(field, input) === "") throw empty("Give the link.");
      return { href: input.value.trim() };
  }
}

/** The fields right below an element, read into an object. */
async function members(place) {
  const around = (field) => field.parentElement.closest(".field, .item, .part, form");
  const fields = [...place.querySelectorAll(".field")].filter((field) => around(field) === place);
  const object = {};
  for (const field of fields) {
    const value = await READ[field.dataset.kind](field);
    const name = field.dataset.path.split(".").pop();
    if (value !== NONE) object[name] = value;
    else if (field.dataset.required !== undefined) throw new Fault(field, "This is required.");
  }
  return Object.keys(object).length || place.matches("form, .item, .part") ? object : NONE;
}

/** The execute request of a form. */
async function requestOf(form) {
  const request = { inputs: await members(form), response: "document" };
  const picks = [...form.querySelectorAll("[data-output]")];
  const outputs = {};
  for (const pick of picks.filter((p) => p.checked)) {
    const name = pick.dataset.output;
    const format = form.querySelector(`[data-format="${CSS.escape(name)}"]`)?.value;
    outputs[name] = format ? { format: { mediaType: format } } : {};
  }
  if (Object.keys(outputs).length === 0) throw new Fault(byId("wanted"), "Choose at least one output.");
  const all = picks.every((p) => p.checked) && Object.values(outputs).every((o) => !o.format);
  if (!all) request.outputs = outputs;
  return request;
}

/** Shows a fault beside its input and leads there. */
function show(form, fault) {
  const place = fault.field?.matches?.(".field") ? fault.field : null;
  if (!place) {
    say(byId("fault"), fault.message);
    for (let box = fault.field; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    byId("fault").focus();
    return;
  }
  for (let box = place.parentElement; box && box !== form; box = box.parentElement) {
    if (box.tagName === "DETAILS") box.open = true;
    if (box.matches(".part")) box.hidden = false;
  }
  const text = byId(`in-${place.dataset.path}-fault`);
  const control = [...place.querySelectorAll("input, select, textarea, button")].find((c) => c.getClientRects().length);
  say(text, fault.message);
  control?.setAttribute("aria-invalid", "true");
  control?.focus();
  place.scrollIntoView({ block: "center" });
}

/** The field that a server's path such as `validation.folds` means, or the nearest around it. */
function fieldOf(form, path) {
  const fields = [...form.querySelectorAll("[data-path]")].filter((f) => f.getClientRects().length || !f.closest("[hidden]"));
  for (let rest = path; rest; rest = rest.replace(/(\.?[^.[\]]+|\[\d+\])$/, "")) {
    const found = fields.find((f) => f.dataset.path.replace(/@\d+/g, "") === rest);
    if (found) return found;
  }
  return null;
}

function clear(form) {
  for (const fault of form.querySelectorAll(".fault")) say(fault, "");
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

/** The collection that an answer leads to: it was followed there, or names it among several. */
async function collectionOf(answer) {
  const told = await answer.json();
  const place = answer.redirected ? answer.url : Object.values(told).map((link) => link.href).find((href) => href?.includes("/collections/"));
  return new URL(place).pathname.split("/").pop();
}

async function send(form, watch) {
  clear(form);
  const buttons = [byId("send"), byId("watch")].filter(Boolean);
  for (const button of buttons) button.disabled = true;
  byId("sending").textContent = "Sending.";
  try {
    const body = JSON.stringify(await requestOf(form));
    const headers = { "Content-Type": "application/json", Accept: "application/json", Prefer: "respond-async" };
    const answer = await ask(form.dataset.execute + (watch ? "?response=collection" : ""), { method: "POST", headers, body });
    if (watch && answer.ok) return void location.assign(`${root}/viewer#layers=${await collectionOf(answer)}:1`);
    if (answer.status === 201) return void location.assign(`${root}/jobs/${(await answer.json()).jobID}`);
    const problem = await answer.json().catch(() => ({ title: `The server answers ${answer.status}.` }));
    const message = problem.detail ?? problem.title;
    const field = problem.input ? fieldOf(form, problem.input) : null;
    throw new Fault(field, problem.input && !field ? `${problem.input}: ${message}` : message);
  } catch (error) {
    show(form, error instanceof Fault ? error : new Fault(null, `The request could not be sent: ${error.message}`));
  } finally {
    for (const button of buttons) button.disabled = false;
    byId("sending").textContent = "";
  }
}

function forms() {
  const form = byId("run");
  if (!form) return;
  byId("send").disabled = false;
  byId("watch")?.removeAttribute("disabled");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter?.id === "watch");
  });
  const choose = (select) => {
    const field = select.closest(".field");
    for (const p of own(field, ".part")) p.hidden = p.dataset.part !== select.value;
  };
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-from], [data-shape]")) choose(event.target);
    event.target.closest(".field")?.querySelectorAll("[aria-invalid]").forEach((c) => c.removeAttribute("aria-invalid"));
  });
  // A browser that comes back fills the selects again.
  for (const select of form.querySelectorAll("[data-from], [data-shape]")) choose(select);
  let rows = 0;
  form.addEventListener("click", (event) => {
    const field = event.target.closest(".field");
    if (event.target.matches("[data-more]")) {
      const item = own(field, "template")[0].content.cloneNode(true);
      for (const element of item.querySelectorAll("*")) {
        for (const { name, value } of [...element.attributes]) {
          if (value.includes("[#]")) element.setAttribute(name, value.replaceAll("[#]", `[${rows}]`));
        }
      }
      rows += 1;
      own(field, ".rows")[0].append(item);
      own(field, ".item").at(-1).querySelector("input, select")?.focus();
    } else if (event.target.matches("[data-less]")) {
      event.target.closest(".item").remove();
      own(field, "[data-more]")[0].focus();
    }
  });
  const preview = byId("preview").closest("details");
  const write = async () => {
    if (!preview.open) return;
    byId("preview").textContent = await requestOf(form).then(
      (request) => JSON.stringify(request, null, 2),
      (fault) => `${fault.field?.dataset?.path?.replace(/@\d+/g, "") ?? "outputs"}: ${fault.message}`,
    );
  };
  preview.addEventListener("toggle", write);
  form.addEventListener("input", write);
}

// --- All pages --------------------------------------------------------------------------------

function start() {
  signIn();
  keyed();
  follow();
  forms();
}

for (const link of document.querySelectorAll(".top nav a")) {
  if (link.pathname !== `${root}/` && location.pathname.startsWith(link.pathname)) link.setAttribute("aria-current", "true");
}
signOut();
start();
if (document.body.dataset.keyed !== undefined && document.body.dataset.known === undefined && key() && !document.querySelector("[data-app]")) again();
