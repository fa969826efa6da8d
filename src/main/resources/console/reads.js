// What is on screen is read again when it changes. Components that ask the same question share one read.

import { call } from "./api.js";
import { useLayoutEffect, useState } from "./lib.js";
import { live, onChange, paused, POLL_MS, reconnect } from "./live.js";
import { writeJson } from "./numbers.js";
import { namespaceInUrl } from "./router.js";

/** At most four reads a second for one question. */
const GAP_MS = 250;
/** For answers that look at all jobs. A change is still on screen within a second. */
export const WIDE_GAP_MS = 1000;
/** Chosen: some answers change by time alone, such as a slot that becomes late. */
const AGE_MS = 60000;
/** Chosen: enough for a way back through a few pages. */
const KEPT = 60;

const reads = new Map();

/** One question: its last answer or problem, and the components that show it. */
class Read {
  constructor(operation, input, kinds, gap) {
    Object.assign(this, { operation, input, kinds, gap, namespace: namespaceInUrl() ?? null, users: new Set(), at: 0, started: 0 });
    this.answer = undefined;
    this.problem = undefined;
    this.missed = false;
  }

  /** Reads now, or as soon as the running call and the gap allow. */
  wanted() {
    if (this.timer || this.users.size === 0) {
      return;
    }
    if (document.hidden || paused.get()) {
      this.missed = true;
      this.tell();
      return;
    }
    const wait = this.running ? this.gap : Math.max(0, this.started + this.gap - Date.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.running || document.hidden || paused.get()) {
        this.wanted();
      } else {
        this.now();
      }
    }, wait);
  }

  /** Reads at once and returns when the answer is there. */
  async now() {
    this.running?.abort();
    this.running = new AbortController();
    this.started = Date.now();
    this.missed = false;
    const { signal } = this.running;
    try {
      this.answer = await call(this.operation, this.input, { signal, namespace: this.namespace });
      if (this.problem?.code === "no_answer") {
        reconnect();
      }
      this.problem = undefined;
      this.at = Date.now();
    } catch (problem) {
      if (signal.aborted) {
        return;
      }
      this.problem = problem;
    }
    this.running = undefined;
    this.tell();
  }

  tell() {
    for (const user of this.users) {
      user();
    }
  }

  join(user) {
    this.users.add(user);
    if (!this.running && Date.now() - this.at > this.gap) {
      this.wanted();
    }
  }

  leave(user) {
    this.users.delete(user);
    if (this.users.size === 0) {
      this.running?.abort();
      this.running = undefined;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
  }
}

const keyOf = (operation, input) => `${namespaceInUrl() ?? ""} ${operation} ${writeJson(input)}`;

/** The answer that a read on screen has now; undefined without one. */
export const lastAnswer = (operation, input = {}) => reads.get(keyOf(operation, input))?.answer;

function readOf(operation, input, kinds, gap) {
  const key = keyOf(operation, input);
  const read = reads.get(key) ?? new Read(operation, input, kinds, gap);
  // The newest is last, so that the oldest unused ones can go first.
  reads.delete(key);
  reads.set(key, read);
  for (const [other, { users }] of reads) {
    if (reads.size <= KEPT) {
      break;
    }
    if (users.size === 0 && other !== key) {
      reads.delete(other);
    }
  }
  return read;
}

/**
 * Reads an operation, and again whenever rows of these kinds change.
 *
 * @param operation the operation's id; null reads nothing
 * @param input its fields
 * @param kinds the kinds of the stream: jobs, agents, gateways, orders, events, questions, bulk, proposals, memories, reports, anomalies, audit
 * @param gap the shortest time between two reads, in ms; longer for an answer that costs the database more
 * @returns answer (undefined until there is one), problem, at (ms of the answer), missed (a change came while updates
 *     were paused), and again() to read at once
 */
export function useRead(operation, input = {}, kinds = [], gap = GAP_MS) {
  const read = operation ? readOf(operation, input, kinds, gap) : null;
  const [, setTurn] = useState(0);
  // The question is asked before the browser paints what there is, so that its answer is on its way meanwhile.
  useLayoutEffect(() => {
    if (!read) {
      return undefined;
    }
    const user = () => setTurn((turn) => turn + 1);
    read.join(user);
    return () => read.leave(user);
  }, [read]);
  return {
    answer: read?.answer,
    problem: read?.problem,
    at: read?.at ?? 0,
    missed: read?.missed ?? false,
    again: () => read?.now(),
  };
}

/**
 * Asks before a component does, so that the answers of the start do not wait for each other. Takes the same as useRead. An
 * answer that fails is forgotten, and its component asks again, unless a component shows the failure already.
 */
export async function readEarly(operation, input = {}, kinds = [], gap = GAP_MS) {
  if (!document.hidden) {
    const read = readOf(operation, input, kinds, gap);
    await read.now();
    if (read.problem && read.users.size === 0) {
      reads.delete(keyOf(operation, input));
    }
  }
}

/** Reads again what is on screen and depends on one of these kinds; without kinds, all of it. */
export function readAgain(kinds = ["all"]) {
  for (const read of reads.values()) {
    if (kinds.includes("all") || read.kinds.some((kind) => kinds.includes(kind))) {
      read.wanted();
    }
  }
}

/** Starts the reading: by the stream, by polling while the stream is down, and once a minute for what changes by time. */
export function startReads() {
  onChange(readAgain);
  const catchUp = () => {
    for (const read of reads.values()) {
      if (read.missed) {
        read.wanted();
      }
    }
  };
  document.addEventListener("visibilitychange", catchUp);
  paused.watch(catchUp);
  setInterval(() => {
    if (!document.hidden && !paused.get()) {
      const limit = live.get().up ? AGE_MS : POLL_MS;
      for (const read of reads.values()) {
        if (read.users.size > 0 && Date.now() - read.started >= limit) {
          read.wanted();
        }
      }
    }
  }, 1000);
}
