// The address is the state of a page: page, id, filters, sort, window and open panel. Reload and Back show the same.

import { cell, useEffect } from "./lib.js";

const ROOT = "/console";
/** Chosen: a page that has not grown to its old height by then stays where it is. */
const RESTORE_MS = 3000;
/** Chosen: the place is noted when scrolling and moving have rested for this long. */
const REST_MS = 300;

/** Where the visitor is: path (the parts after /console), query (an object of texts). */
export const route = cell(read());

/** The name of the row that the page shows, such as an agent's: the heading and the rest of the title; null for a list. */
export const named = cell(null);

/**
 * Names the page after the row that it shows.
 *
 * @param heading what the heading says
 * @param rest more words, which only the title of the window has room for
 */
export function useName(heading, ...rest) {
  const title = [heading, ...rest].join(" ");
  useEffect(() => {
    named.set({ heading, title });
    return () => named.set(null);
  }, [heading, title]);
}

function read() {
  const parts = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const path = parts[0] === "console" ? parts.slice(1) : parts;
  return { path: path.length > 0 ? path : ["needs-me"], query: Object.fromEntries(new URLSearchParams(location.search)) };
}

/** The namespace that the address names, or undefined for that of the token. */
export const namespaceInUrl = () => route.get().query.namespace;

/**
 * Makes the address of a page. It keeps the namespace.
 *
 * @param path the parts after /console, such as ["jobs", id]
 * @param query the fields of the query; empty ones are left out
 */
export function address(path, query = {}) {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries({ namespace: namespaceInUrl(), ...query })) {
    if (value !== undefined && value !== null && value !== "" && value !== false) {
      fields.set(name, value);
    }
  }
  const url = `${ROOT}/${path.map(encodeURIComponent).join("/")}`;
  return fields.size > 0 ? `${url}?${fields}` : url;
}

/** Goes to an address of the console. */
export function go(url) {
  remember();
  history.pushState({ inside: true }, "", url);
  arrive();
  scrollTo(0, 0);
  document.querySelector("main")?.focus({ preventScroll: true });
}

/** Changes fields of the query in place: a filter or an open panel is not a page of its own, so Back leaves the page. */
export function setQuery(changes) {
  const { path, query } = route.get();
  history.replaceState(history.state, "", address(path, { ...query, ...changes }));
  arrive();
}

function arrive() {
  route.set(read());
}

/** Notes scroll and focus in the current entry of the history. */
function remember() {
  const focus = document.activeElement?.id;
  history.replaceState({ ...history.state, scroll: scrollY, focus }, "");
}

/** Goes back to the noted scroll and focus, as soon as the page is high enough again. */
function restore() {
  const { scroll = 0, focus } = history.state ?? {};
  const end = performance.now() + RESTORE_MS;
  const attempt = () => {
    const ready = document.documentElement.scrollHeight >= scroll + innerHeight;
    const target = focus ? document.getElementById(focus) : null;
    if ((ready && (!focus || target)) || performance.now() > end) {
      target?.focus({ preventScroll: true });
      scrollTo(0, scroll);
    } else {
      requestAnimationFrame(attempt);
    }
  };
  requestAnimationFrame(attempt);
}

/** Starts the router: links within the console do not load the page anew. */
export function startRouter() {
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => {
    arrive();
    restore();
  });
  addEventListener("pagehide", remember);
  let rest = 0;
  for (const kind of ["scroll", "focusin"]) {
    addEventListener(kind, () => {
      clearTimeout(rest);
      rest = setTimeout(remember, REST_MS);
    });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link && plain && !link.target && !link.download && link.origin === location.origin) {
      event.preventDefault();
      if (link.href === location.href) {
        scrollTo(0, 0);
      } else {
        go(link.href);
      }
    }
  });
  restore();
}
