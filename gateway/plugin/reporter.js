// Sends reports to the bus: in the order they were made for each session, again for some minutes when the bus is away, and
// never so that a run of the gateway waits for it.

import { readFileSync } from "node:fs";
import { setTimeout as pauseFor } from "node:timers/promises";

/** Ours: a bus that is being upgraded is back within minutes; after that its leases have told it what a report would. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Ours: a report is answered in milliseconds; a hook call of the bus waits 20 s at the most. */
const ANSWER_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Ours: two for each of the runs of several hours. */
const MOST_WAITING = 1000;
/** Ours: the gateway says that it has started within a minute of loading its plugins. */
const START_WITHIN_MS = 60_000;

/** Answers that a later try may turn: a token that is not there yet, a bus that is busy or stopping. */
const AGAIN = new Set([401, 403, 408, 425, 429]);

export class Reporter {
  #url;
  #token;
  #log;
  #fetch;
  #times;
  #lanes = new Map();
  #waiting = 0;
  #complained = new Set();
  #stopping = new AbortController();
  // Reports of runs wait for it: a start that arrives after them would put the very runs in doubt that they are about.
  #started;
  #release = () => {};

  /**
   * @param {object} options
   * @param {string} options.url the bus, without a path
   * @param {() => string} options.token reads the token, anew for each try; throws when there is none
   * @param {{warn: (text: string) => void}} options.log
   * @param {boolean} options.expectStart whether gatewayStarted will be called soon, and everything else waits for that
   * @param {typeof fetch} [options.fetch]
   * @param {{giveUpAfterMs?: number, firstPauseMs?: number, longestPauseMs?: number, mostWaiting?: number}} [options.times]
   */
  constructor({ url, token, log, expectStart, fetch = globalThis.fetch, times = {} }) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#log = log;
    this.#fetch = fetch;
    this.#times = {
      giveUpAfterMs: times.giveUpAfterMs ?? GIVE_UP_AFTER_MS,
      firstPauseMs: times.firstPauseMs ?? FIRST_PAUSE_MS,
      longestPauseMs: times.longestPauseMs ?? LONGEST_PAUSE_MS,
      mostWaiting: times.mostWaiting ?? MOST_WAITING,
    };
    this.#started = expectStart
      ? new Promise((resolve) => {
          this.#release = resolve;
          setTimeout(resolve, START_WITHIN_MS).unref();
        })
      : Promise.resolve();
  }

  /**
   * Reports that the gateway has started, and does not give up: the token may come long after the gateway. Every other
   * report waits until the bus has taken it.
   *
   * @param {() => object} body makes the body at the moment of each try, so that ages in it are right
   */
  gatewayStarted(body) {
    const before = this.#release;
    this.#started = this.#enqueue("the gateway", "/v1/gateway/started", body, Promise.resolve(), Infinity);
    this.#started.then(before);
  }

  /**
   * Reports something of a run.
   *
   * @param {string} sessionKey reports of one session arrive in the order they were made
   * @param {"run-started" | "run-ended"} what
   * @param {() => object} body makes the body at the moment of each try
   */
  run(sessionKey, what, body) {
    this.#enqueue(sessionKey, `/v1/gateway/${what}`, body, this.#started, this.#times.giveUpAfterMs);
  }

  /**
   * Waits until nothing is left to send, then sends nothing more.
   *
   * @param {number} withinMs how long at the most
   */
  async stop(withinMs) {
    await Promise.race([Promise.all(this.#lanes.values()), pauseFor(withinMs, undefined, { ref: false })]);
    this.#stopping.abort();
  }

  /** @returns {number} reports that have not been taken yet */
  get waiting() {
    return this.#waiting;
  }

  #enqueue(lane, path, body, after, patienceMs) {
    if (this.#waiting >= this.#times.mostWaiting) {
      this.#complain("full", `${this.#waiting} reports wait already; the bus learns of further ends of runs by their leases`);
      return Promise.resolve();
    }
    this.#waiting += 1;
    const deadline = Date.now() + patienceMs;
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const sent = before
      .then(() => settled(after, deadline - Date.now()))
      .then(() => this.#deliver(path, body, deadline))
      .catch((error) => this.#complain("bug", `a report was lost: ${error?.message ?? error}`))
      .finally(() => {
        this.#waiting -= 1;
        if (this.#lanes.get(lane) === sent) {
          this.#lanes.delete(lane);
        }
      });
    this.#lanes.set(lane, sent);
    return sent;
  }

  async #deliver(path, body, deadline) {
    let pause = this.#times.firstPauseMs;
    for (;;) {
      if (this.#stopping.signal.aborted) {
        return;
      }
      const trouble = await this.#send(path, body);
      if (trouble === null) {
        this.#complained.clear();
        return;
      }
      if (!trouble.again || Date.now() + pause > deadline) {
        this.#complain(`lost ${path} ${trouble.what}`, `${path} was not taken: ${trouble.what}`);
        return;
      }
      this.#complain(trouble.what, `${path}: ${trouble.what}; trying again for some minutes`);
      await pauseFor(pause, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
      pause = Math.min(pause * 2, this.#times.longestPauseMs);
    }
  }

  /** One try: null when it was taken, else what was wrong and whether another try may help. */
  async #send(path, body) {
    let token;
    try {
      token = this.#token();
    } catch (error) {
      return { again: true, what: error.message };
    }
    try {
      const response = await this.#fetch(this.#url + path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(body()),
        redirect: "error",
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), this.#stopping.signal]),
      });
      const answer = await response.text();
      if (response.ok) {
        return null;
      }
      return { again: AGAIN.has(response.status) || response.status >= 500, what: `${response.status} ${code(answer)}`.trim() };
    } catch (error) {
      // Never the error's text as it is: it may hold the headers.
      return { again: true, what: `the bus gives no answer (${error?.cause?.code ?? error?.name ?? "unknown"})` };
    }
  }

  /** Once for each kind of trouble, until something gets through again: a bus that is away must not fill the log. */
  #complain(kind, text) {
    if (!this.#complained.has(kind)) {
      this.#complained.add(kind);
      this.#log.warn(`agentbus: ${text}`);
    }
  }
}

/** Waits for a promise, but not longer than so many milliseconds. */
async function settled(promise, ms) {
  const patience = new AbortController();
  const limit = Number.isFinite(ms) ? pauseFor(Math.max(0, ms), undefined, { signal: patience.signal, ref: false }) : new Promise(() => {});
  await Promise.race([promise, limit.catch(() => {})]);
  patience.abort();
}

/** The stable code of a problem+json, or nothing. */
function code(answer) {
  try {
    const value = JSON.parse(answer)?.code;
    return typeof value === "string" ? value.slice(0, 80) : "";
  } catch {
    return "";
  }
}

/**
 * Where the token comes from: the file, read anew each time so that a new token needs no restart, or the environment.
 *
 * @param {{tokenFile?: string, tokenEnv?: string}} config
 * @returns {() => string}
 */
export function tokenSource({ tokenFile, tokenEnv = "AGENTBUS_REPORT_TOKEN" }) {
  return () => {
    let token;
    if (tokenFile) {
      try {
        token = readFileSync(tokenFile, "utf8").trim();
      } catch (error) {
        throw new Error(`there is no token in ${tokenFile} (${error.code}); make one with: agentbus issue-gateway-token default`);
      }
    } else {
      token = process.env[tokenEnv]?.trim();
    }
    if (!/^abg_[\x21-\x7e]+$/.test(token ?? "")) {
      throw new Error(`${tokenFile ?? tokenEnv} holds no gateway token (abg_…)`);
    }
    return token;
  };
}
