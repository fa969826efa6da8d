// Times, durations, sizes and ids as people read them.

import { cell } from "./lib.js";

const SECOND = 1000;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const SHORT_ID = 8;

/** The time in ms that relative times are counted from; moves on every five seconds while the page is visible. */
export const now = cell(Date.now());
setInterval(() => document.hidden || now.set(Date.now()), 5 * SECOND);
document.addEventListener("visibilitychange", () => document.hidden || now.set(Date.now()));

/** Whether times are shown absolute everywhere; the key t switches it. */
export const absolute = cell(false);

// Nothing here uses Intl: Chromium takes as long for the first format of a page as for all scripts of the start.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const day = (date) => `${date.getDate()} ${MONTHS[date.getMonth()]}`;
const zone = (date) => date.toString().replace(/.*GMT(...)(..).*/, "UTC$1:$2");
const grouped = (number) => String(Math.round(number * 1000) / 1000).replace(/(?<!\.\d*)\B(?=(\d{3})+(?!\d))/g, ",");

/** A duration as "12 s", "4 min", "2 h 10 min" or "3 days"; never negative. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(Number(seconds)));
  if (whole < MINUTE) {
    return `${whole} s`;
  }
  if (whole < HOUR) {
    return `${Math.floor(whole / MINUTE)} min`;
  }
  if (whole < 2 * DAY) {
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return `${Math.floor(whole / HOUR)} h${minutes > 0 ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(whole / DAY)} days`;
}

/** The seconds from a time to the present; 0 for a time in the future. */
export const secondsSince = (time) => Math.max(0, (Date.now() - Date.parse(time)) / SECOND);

/** The last midnight in the viewer's zone, as a time of the contract. */
export const midnight = () => new Date(new Date().setHours(0, 0, 0, 0)).toISOString();

/** A time as "4 min ago" or "in 4 min". */
export function relative(time) {
  const seconds = (Date.parse(time) - Date.now()) / SECOND;
  if (Math.abs(seconds) < 5) {
    return "just now";
  }
  return seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`;
}

/** A time of day, with the date when it is not today. */
export function clockTime(time) {
  const date = new Date(time);
  return date.toDateString() === new Date().toDateString() ? clock(date) : `${day(date)}, ${clock(date)}`;
}

/** A time in the viewer's zone and in UTC. */
export function absoluteTime(at) {
  const date = new Date(at);
  const here = `${day(date)} ${date.getFullYear()}, ${clock(date)}:${two(date.getSeconds())}`;
  const [, year, month, ofMonth, time] = /(\d+)-(\d\d)-(\d\d)T(.{8})/.exec(date.toISOString());
  return `${here} ${zone(date)} · ${Number(ofMonth)} ${MONTHS[month - 1]} ${year}, ${time} UTC`;
}

/** A count with thousands apart; "10,000+" when counting stopped there. */
export const count = (number, capped = false) => `${grouped(Number(number ?? 0))}${capped ? "+" : ""}`;

/** More than one of a noun: "jobs", "memories". */
export const plural = (noun) => `${noun.replace(/([^aeiou])y$/, "$1ie")}s`;

/** "1 job", "3 jobs", "10,000+ jobs". */
export const counted = (number, noun, capped = false) =>
  `${count(number, capped)} ${Number(number) === 1 && !capped ? noun : plural(noun)}`;

/** A size as "812 B", "3.1 KB" or "2.0 MB". */
export function bytes(size) {
  const number = Number(size);
  if (number < 1024) {
    return `${number} B`;
  }
  return number < 1024 * 1024 ? `${(number / 1024).toFixed(1)} KB` : `${(number / 1024 / 1024).toFixed(1)} MB`;
}

/** The last eight characters of an id, which differ between ids of the same time. */
export const shortId = (id) => (String(id).length > SHORT_ID ? `…${String(id).slice(-SHORT_ID)}` : String(id));

/** A name of the contract in words: "retryNow" and "no_work" become "retry now" and "no work". */
export const words = (name) =>
  String(name)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/_/g, " ")
    .toLowerCase();

/** A sentence begins with a capital and ends with a stop. */
export const sentence = (text) => {
  const trimmed = String(text ?? "").trim();
  return trimmed === "" ? "" : trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.?!…]$/.test(trimmed) ? "" : ".");
};
