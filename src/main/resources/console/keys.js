// The keyboard. Single keys work while nothing that takes text has the focus, and can be switched off in the settings.

import { session } from "./api.js";
import { absolute } from "./format.js";
import { cell, keep, kept } from "./lib.js";
import { pagesOf } from "./pages.js";
import { address, go, route } from "./router.js";

/** Whether single keys work. */
export const singleKeys = cell(kept("keys", "on") === "on");
singleKeys.watch((on) => keep("keys", on ? "on" : "off"));

/** Which of the frame's dialogs is open: "find", "help", "pages", "settings" or null. */
export const opened = cell(null);

/** The keys for the help in a phase of the bus: each key and its meaning. */
export const keysOf = (phase) => [
  ["/ or Ctrl K", "search, or jump to a page, a job, an agent or an act"],
  ...pagesOf(phase).filter(({ key }) => key).map(({ key, title }) => [`g ${key}`, title]),
  ["j, k", "next and previous row"],
  ["Enter", "open the row"],
  ["x", "choose the row"],
  ["Shift X", "choose all rows from the last chosen to this one"],
  [".", "the acts on the row or on the page"],
  ["t", "times absolute or relative"],
  ["Esc", "back"],
  ["?", "this help"],
];

/** Chosen: long enough to find the second key, short enough not to be forgotten. */
const SECOND_KEY_MS = 1500;
let goAt = 0;
let lastChosen = null;

const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
const current = () => document.activeElement?.closest?.("[data-row]");
const focusRow = (row) => (row?.querySelector("[data-open]") ?? row)?.focus();

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  focusRow(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
}

function choose() {
  current()?.querySelector("[data-select]")?.click();
  lastChosen = current();
}

function chooseRange() {
  const all = rows();
  const to = all.indexOf(current());
  const from = Math.max(0, all.indexOf(lastChosen));
  for (const row of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
    const box = row.querySelector("[data-select]");
    if (box && !box.checked) {
      box.click();
    }
  }
}

/** The acts of the row that has the focus, or of the page. */
function acts() {
  const button = current()?.querySelector("[data-actions]") ?? document.querySelector("[data-page-actions] button, [data-page-actions] summary");
  button?.focus();
}

function back() {
  const { path } = route.get();
  if (history.state?.inside) {
    history.back();
  } else if (path.length > 1) {
    go(address(path.slice(0, 1)));
  }
}

const ACTIONS = {
  "/": () => opened.set("find"),
  "?": () => opened.set("help"),
  j: () => move(1),
  k: () => move(-1),
  x: choose,
  X: chooseRange,
  ".": acts,
  t: () => absolute.set(!absolute.get()),
  Escape: back,
};

const takesText = (element) => element?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");

function onKey(event) {
  if (document.querySelector("dialog[open]") || event.defaultPrevented) {
    return;
  }
  if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) {
    event.preventDefault();
    opened.set("find");
    return;
  }
  if (takesText(event.target)) {
    if (event.key === "Escape") {
      event.target.blur();
    }
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || (!singleKeys.get() && event.key !== "Escape")) {
    return;
  }
  if (Date.now() - goAt < SECOND_KEY_MS) {
    goAt = 0;
    const page = pagesOf(session.get()?.phase).find(({ key }) => key === event.key);
    if (page) {
      event.preventDefault();
      go(address([page.name]));
      return;
    }
  }
  if (event.key === "g") {
    goAt = Date.now();
  } else if (ACTIONS[event.key]) {
    event.preventDefault();
    ACTIONS[event.key]();
  }
}

/** Starts the keyboard. */
export const startKeys = () => addEventListener("keydown", onKey);
