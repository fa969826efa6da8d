// News of changes. One tab per browser holds the stream of the server and passes its events to the other tabs, because a
// browser opens only six connections to a server. Events name kinds of rows; the page then reads again.

import { readSession, session } from "./api.js";
import { cell } from "./lib.js";

const STREAM = "/console/events";
/** The server sends a beat each 15 s, so that two may get lost. */
const MUTE_MS = 35000;
/** Chosen: a restart of the bus takes a few seconds, and a banner for that would only alarm. */
const PATIENCE_MS = 5000;
const FIRST_BACKOFF_MS = 2000;
const LONGEST_BACKOFF_MS = 30000;
/** Chosen: while the stream is down, changes are seen as late as this. */
export const POLL_MS = 5000;

/** The state of the stream: up, heard (ms of the last sign), and since (ms) when it is down. */
export const live = cell({ up: false, heard: 0, since: Date.now() });

/** Whether the bus has other files of the console than this page, as after an update. */
export const outdated = cell(false);

/** The version of the files is the folder that they are in. */
const OWN_VERSION = new URL(".", import.meta.url).pathname.split("/").at(-2);

/** Whether the visitor has paused updates: false, or the time in ms since when. */
export const paused = cell(false);

const listeners = new Set();
const channel = new BroadcastChannel("agentbus");
let backoff = FIRST_BACKOFF_MS;
let leads = false;

/** Calls the listener with an array of kinds whenever rows of these kinds have changed. ["all"] means: read everything. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the stream has been down for so long that people should know. */
export const isStale = (state) => !state.up && Date.now() - state.since > PATIENCE_MS;

function tell(message) {
  channel.postMessage(message);
  hear(message);
}

function hear({ sign, kinds, version }) {
  if (version) {
    outdated.set(version !== OWN_VERSION);
  }
  const before = live.get();
  const now = Date.now();
  if (sign === "down") {
    live.set({ ...before, up: false, since: before.up ? now : before.since });
  } else if (sign === "up") {
    live.set({ up: true, heard: now, since: now });
    if (!before.up) {
      // Events may have been missed meanwhile.
      announce(["all"]);
    }
  }
  if (kinds) {
    announce(kinds);
  }
}

function announce(kinds) {
  for (const listener of listeners) {
    listener(kinds);
  }
}

channel.addEventListener("message", ({ data }) => {
  if (data.left) {
    location.reload();
  } else if (data.ask) {
    if (leads && live.get().up) {
      channel.postMessage({ sign: "up" });
    } else if (leads) {
      // Somebody has just logged in, so the stream may be opened now.
      backoff = FIRST_BACKOFF_MS;
      open();
    }
  } else {
    hear(data);
  }
});

/** Tells the other tabs that nobody is logged in any more, so that they drop what they show. */
export const tellLogout = () => channel.postMessage({ left: true });

/** Starts the news. The session must be there, because the stream needs its cookie. */
export function startLive() {
  if (navigator.locks) {
    channel.postMessage({ ask: true });
    // The lock is free as soon as the leading tab is gone; then the next tab opens the stream.
    navigator.locks.request("agentbus-stream", () => {
      leads = true;
      open();
      return new Promise(() => {});
    });
  } else {
    // Web Locks need a secure origin. Without them each visible tab has its own stream.
    openWhileVisible();
  }
  setInterval(watch, 1000);
}

function openWhileVisible() {
  const follow = () => (document.hidden ? close() : open());
  follow();
  document.addEventListener("visibilitychange", follow);
}

let source = null;
let retry = 0;

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

const reopen = () => source && session.get() && open();

function open() {
  close();
  source = new EventSource(STREAM);
  source.addEventListener("open", () => {
    backoff = FIRST_BACKOFF_MS;
    tell({ sign: "up" });
  });
  source.addEventListener("version", ({ data }) => tell({ version: data }));
  source.addEventListener("beat", () => tell({ sign: "up" }));
  source.addEventListener("change", ({ data }) => tell({ sign: "up", kinds: data.split(",") }));
  source.addEventListener("stopping", () => tell({ sign: "down" }));
  source.addEventListener("error", () => {
    tell({ sign: "down" });
    if (source?.readyState === EventSource.CLOSED) {
      // The browser gives up after an answer other than 200, so this page tries again itself. Where the session has ended,
      // the question who is logged in loads the page anew, and nothing is tried until somebody logs in.
      retry = setTimeout(() => readSession().then(reopen, reopen), backoff);
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    }
  });
}

/** Opens the stream now instead of at the next try. Call it when the bus answers again. */
export function reconnect() {
  if (source?.readyState === EventSource.CLOSED) {
    open();
  }
}

/**
 * A stream that is open and mute counts as down: the other end is gone, as after a sleep of the computer, or a proxy holds
 * the events back. Polling starts, and the tab with the stream opens a new one.
 */
function watch() {
  const state = live.get();
  if (state.up && Date.now() - state.heard > MUTE_MS) {
    live.set({ ...state, up: false, since: state.heard });
    if (source) {
      open();
    }
  }
}
