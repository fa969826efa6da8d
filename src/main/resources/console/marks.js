// Shapes: the marks of states and the icons of the rail. A state has a shape, a word and a colour, never colour alone.

import { html } from "./lib.js";

const RING = html`<circle cx="8" cy="8" r="5.5" class="line" />`;

const SHAPES = {
  ring: RING,
  quarter: html`${RING}<path d="M8 8V2.5A5.5 5.5 0 0 1 13.5 8z" class="fill" />`,
  half: html`${RING}<path d="M8 2.5a5.5 5.5 0 0 1 0 11z" class="fill" />`,
  disc: html`<circle cx="8" cy="8" r="5.5" class="fill" />`,
  tick: html`<path d="M3 8.5l3.2 3.2L13 4.8" class="line" />`,
  bar: html`<rect x="5" y="2.5" width="6" height="11" class="fill" />`,
  cross: html`<path d="M4 4l8 8M12 4l-8 8" class="line" />`,
  dagger: html`<path d="M8 2v12M4 5.5h8" class="line" />`,
  dash: html`<path d="M3.5 8h9" class="line" />`,
  dot: html`<circle cx="8" cy="8" r="2" class="fill" />`,
  skip: html`<path d="M3 4.5l4 3.5-4 3.5M8.5 4.5l4 3.5-4 3.5" class="line" />`,
  pause: html`<path d="M5.5 3.5v9M10.5 3.5v9" class="line" />`,
  question: html`<path d="M5.2 6a2.8 2.8 0 1 1 4 2.6c-.9.4-1.2.8-1.2 1.7" class="line" /><circle cx="8" cy="13" r="1" class="fill" />`,
  square: html`<rect x="3.5" y="3.5" width="9" height="9" class="line" />`,
  clock: html`${RING}<path d="M8 5v3.2l2.2 1.6" class="line" />`,
  lock: html`<path d="M4 7.5h8v6H4zM5.5 7.5V5.4a2.5 2.5 0 0 1 5 0v2.1" class="line" />`,
};

/** Each state, status and kind of the bus: its shape, and its tone when it is attention or trouble. */
const MARKS = {
  waiting: ["ring"],
  queued: ["quarter"],
  leased: ["half"],
  running: ["disc"],
  succeeded: ["tick"],
  blocked: ["bar", "attention"],
  failed: ["cross", "trouble"],
  dead: ["dagger", "trouble"],
  cancelled: ["dash", "quiet"],
  timed_out: ["clock", "trouble"],
  undelivered: ["skip", "attention"],
  completed: ["tick"],
  no_work: ["dot"],
  skipped: ["skip", "quiet"],
  missed: ["cross", "trouble"],
  expected: ["ring", "quiet"],
  started: ["disc"],
  working: ["disc"],
  thinking: ["half"],
  idle: ["ring"],
  paused: ["pause", "attention"],
  draining: ["pause", "attention"],
  drained: ["pause", "attention"],
  stopped: ["square", "trouble"],
  disabled: ["dash", "quiet"],
  frozen: ["lock", "attention"],
  open: ["question", "attention"],
  answered: ["tick"],
  expired: ["clock", "quiet"],
  withdrawn: ["dash", "quiet"],
  done: ["tick"],
  ok: ["tick"],
  healthy: ["tick"],
  stale: ["clock", "trouble"],
  held: ["pause", "attention"],
  ready: ["tick"],
  down: ["cross", "trouble"],
  unknown: ["question", "attention"],
  ended: ["dash", "quiet"],
  new: ["ring"],
  reviewed: ["quarter"],
  triaged: ["quarter"],
  accepted: ["half"],
  parked: ["pause", "quiet"],
  unparked: ["quarter"],
  rejected: ["cross", "quiet"],
  merged: ["skip", "quiet"],
  converted_to_job: ["tick"],
  promoted_to_opportunity: ["tick"],
  archived: ["dash", "quiet"],
  active: ["disc"],
  promoted: ["tick"],
  superseded: ["skip", "quiet"],
  wrong: ["cross", "trouble"],
  used: ["tick"],
  irrelevant: ["dash", "quiet"],
  conflict: ["question", "attention"],
  overdue: ["clock", "attention"],
  unused: ["dash", "attention"],
  source_changed: ["skip", "attention"],
};

/** Draws a shape of 16 by 16, which the words beside it explain. */
export const Shape = ({ name, size = 14 }) =>
  html`<svg class="shape" viewBox="0 0 16 16" width=${size} height=${size} aria-hidden="true">${SHAPES[name] ?? SHAPES.dot}</svg>`;

/** The tone of a state: attention, trouble, quiet or plain. */
export const toneOf = (state) => MARKS[state]?.[1] ?? "plain";

/** A state as shape, word and colour. The word can be another one than the state. */
export const State = ({ state, word }) =>
  html`<span class=${`state ${toneOf(state)}`}>
    <${Shape} name=${MARKS[state]?.[0] ?? "dot"} />${word ?? String(state).replace(/_/g, " ")}
  </span>`;

const ICONS = {
  "needs-me": "M8 2l6 11H2zM8 6v3.5M8 11.2v.6",
  overview: "M2 13h12M4 11V7M7 11V3M10 11V6M13 11V8.5",
  jobs: "M3 4h10M3 8h10M3 12h7",
  orders: "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2v3M10.5 2v3",
  agents: "M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.5 14c.4-3 2.6-4.4 5.5-4.4s5.1 1.4 5.5 4.4",
  opportunities: "M8 1.8a4.4 4.4 0 0 1 2.4 8.1v2.3H5.6V9.9A4.4 4.4 0 0 1 8 1.8zM6 14.3h4",
  memories: "M4 2.5h8v11l-4-3-4 3zM6.5 5.5h3",
  idle: "M12.5 10A5.5 5.5 0 0 1 6 3.5a5.5 5.5 0 1 0 6.5 6.5z",
  reports: "M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h2.5",
  events: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  audit: "M4 1.5h6l2.5 2.5v10.5H4zM6 7h4.5M6 10h4.5",
  gateways: "M2 5.5h12M2 10.5h12M5 2.5v3M11 10.5v3M8 5.5v5",
  account: "M3 2.5h10v11H3zM6 5.5h4M6 8h4M6 10.5h2",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.3 3.3",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l8 5-8 5z",
  settings: "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M9 3v3M7 10v3M4.5 10v3",
};

/** Draws an icon of the frame. */
export const Icon = ({ name }) =>
  html`<svg class="shape icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
    <path class="line" d=${ICONS[name]} />
  </svg>`;
