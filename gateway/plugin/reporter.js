// Sends reports to the bus. The reports of each session keep their order, and are retried for some minutes while the
// bus is down; no run of the gateway waits for them.

import { readFileSync } from "node:fs";
import { setTimeout as pauseFor } from "node:timers/promises";

/** Chosen: an upgrade of the bus takes minutes. After ten minutes a lease has usually told the bus that the run ended. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Chosen: a healthy bus answers a report within milliseconds. */
const ANSWER_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Chosen: enough for two reports per run over several hours without the bus. */
const MOST_WAITING = 1000;
/** Chosen: the gateway reports its start within a minute of loading its plugins. */
const START_WITHIN_MS = 60_000;

/** Statuses after which a retry may succeed: the token is not valid yet, or the bus is busy or stopping. */
const RETRIED = new Set([401, 403, 408, 425, 429]);

export class Reporter {
  #url;
  #token;
  #log;
  #fetch;
  #times;
  #queues = new Map();
  #waiting = 0;
  #warned = new Set();
  #stopping = new AbortController();
  // Reports of runs wait for the report of the start. If it arrived after them, the bus would suspect the very runs
  // they describe.
  #started;
  #release = () => {};

  /**
   * @param {object} options
   * @param {string} options.url the bus, without a path
   * @param {() => string} options.token reads the token anew for each try; throws if there is none
   * @param {{warn: (text: string) => void}} options.log
   * @param {boolean} options.expectStart whether gatewayStarted will be called soon; if so, all other reports wait for it
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
   * Reports the start of the gateway. Retries until the bus accepts the report, because the token may be installed much
   * later; all other reports wait until then.
   *
   * @param {() => object} body makes the body for each try, so that the ages in it are current
   */
  gatewayStarted(body) {
    const before = this.#release;
    this.#started = this.#enqueue("the gateway", "/v1/gateway/started", body, Promise.resolve(), Infinity);
    this.#started.then(before);
  }

  /**
   * Reports the start or the end of a run.
   *
   * @param {string} sessionKey the run's session; its reports arrive in order
   * @param {"run-started" | "run-ended"} what
   * @param {() => object} body makes the body for each try
   */
  run(sessionKey, what, body) {
    this.#enqueue(sessionKey, `/v1/gateway/${what}`, body, this.#started, this.#times.giveUpAfterMs);
  }

  /**
   * Waits until all reports are sent, at most the given time; after that no report is sent any more.
   *
   * @param {number} withinMs the longest wait, in milliseconds
   */
  async stop(withinMs) {
    await Promise.race([Promise.all(this.#queues.values()), pauseFor(withinMs, undefined, { ref: false })]);
    this.#stopping.abort();
  }

  /**
   * @returns {number} the number of reports that the bus has not accepted yet
   */
  get waiting() {
    return this.#waiting;
  }

  #enqueue(queue, path, body, after, timeoutMs) {
    if (this.#waiting >= this.#times.mostWaiting) {
      this.#warnOnce("full", `${this.#waiting} reports wait already; the bus learns of further ends of runs by their leases`);
      return Promise.resolve();
    }
    this.#waiting += 1;
    const deadline = Date.now() + timeoutMs;
    const before = this.#queues.get(queue) ?? Promise.resolve();
    const sent = before
      .then(() => settled(after, deadline - Date.now()))
      .then(() => this.#sendWithRetries(path, body, deadline))
      .catch((error) => this.#warnOnce("bug", `a report was lost: ${error?.message ?? error}`))
      .finally(() => {
        this.#waiting -= 1;
        if (this.#queues.get(queue) === sent) {
          this.#queues.delete(queue);
        }
      });
    this.#queues.set(queue, sent);
    return sent;
  }

  async #sendWithRetries(path, body, deadline) {
    let pause = this.#times.firstPauseMs;
    for (;;) {
      if (this.#stopping.signal.aborted) {
        return;
      }
      const failure = await this.#send(path, body);
      if (failure === null) {
        this.#warned.clear();
        return;
      }
      if (!failure.retry || Date.now() + pause > deadline) {
        this.#warnOnce(`lost ${path} ${failure.what}`, `${path} was not taken: ${failure.what}`);
        return;
      }
      this.#warnOnce(failure.what, `${path}: ${failure.what}; trying again for some minutes`);
      await pauseFor(pause, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
      pause = Math.min(pause * 2, this.#times.longestPauseMs);
    }
  }

  /** Sends a report once. Returns null on success, otherwise the failure and whether a retry may help. */
  async #send(path, body) {
    let token;
    try {
      token = this.#token();
    } catch (error) {
      return { retry: true, what: error.message };
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
      return { retry: RETRIED.has(response.status) || response.status >= 500, what: `${response.status} ${code(answer)}`.trim() };
    } catch (error) {
      // Never the error's own text, because it may contain the headers with the token.
      return { retry: true, what: `the bus gives no answer (${error?.cause?.code ?? error?.name ?? "unknown"})` };
    }
  }

  /** Logs each kind of failure once until a report succeeds, so that an outage of the bus does not fill the log. */
  #warnOnce(kind, text) {
    if (!this.#warned.has(kind)) {
      this.#warned.add(kind);
      this.#log.warn(`agentbus: ${text}`);
    }
  }
}

/** Waits for a promise, at most a number of milliseconds. */
async function settled(promise, ms) {
  const patience = new AbortController();
  const limit = Number.isFinite(ms) ? pauseFor(Math.max(0, ms), undefined, { signal: patience.signal, ref: false }) : new Promise(() => {});
  await Promise.race([promise, limit.catch(() => {})]);
  patience.abort();
}

/** The stable code of a problem+json body, or nothing. */
function code(answer) {
  try {
    const value = JSON.parse(answer)?.code;
    return typeof value === "string" ? value.slice(0, 80) : "";
  } catch {
    return "";
  }
}

/**
 * The source of the token: a file, read for each report so that a new token needs no restart, or an environment
 * variable.
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
