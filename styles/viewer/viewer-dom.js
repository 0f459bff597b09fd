// What all parts of the viewer use: elements of the page, requests, words to the reader.

export const root = document.body.dataset.root;
export const byId = (id) => document.getElementById(id);

/** A new element with properties and children; nothing where a child is none. */
export function element(name, properties = {}, ...children) {
  const { dataset, attributes, ...own } = properties;
  const made = Object.assign(document.createElement(name), own);
  Object.assign(made.dataset, dataset);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A button that does something. */
export function button(text, className, act, properties = {}) {
  const made = element("button", { type: "button", className, textContent: text, ...properties });
  made.addEventListener("click", act);
  return made;
}

/** The server asks for a key, or does not know the one that was given. */
export class KeyWanted extends Error {}

const key = () => sessionStorage.getItem("rededge-key");

/** What is sent along with every request to this server. */
export const withKey = () => (key() ? { Authorization: `Bearer ${key()}` } : {});

/** Asks the server. */
export async function ask(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { Accept: "application/json", ...withKey() } });
  if (answer.status === 401) throw new KeyWanted("This server asks for a key.");
  return answer;
}

/** A document of the server; what it says where it refuses. */
export async function read(url, options) {
  const answer = await ask(url, options);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail ?? told.title ?? `The server answers ${answer.status}.`);
  return told;
}

let fading;

/** Tells the reader something above the map: for a while, or until it is closed. */
export function tell(text, { stays = false } = {}) {
  clearTimeout(fading);
  byId("said-text").textContent = text;
  byId("said").hidden = !text;
  if (text && !stays) fading = setTimeout(() => (byId("said").hidden = true), 8000);
}

/** Tells of what went wrong, unless it was only given up. */
export function fault(error) {
  if (error.name !== "AbortError") tell(error.message, { stays: true });
}
