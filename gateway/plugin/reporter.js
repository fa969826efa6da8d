// Sends reports to the bus. The reports of each session keep their order, and are retried until the bus has taken them;
// no run of the gateway waits for them. The ends of runs are also kept in a file and survive a restart of the gateway.

import { readFileSync } from "node:fs";
import { setTimeout as pauseFor } from "node:timers/promises";

/** Chosen: a healthy bus answers a report within milliseconds. */
const ANSWER_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Chosen: enough for two reports per run over several hours without the bus; the file stays below 3 MB. */
const MOST_WAITING = 1000;
/** Chosen: the gateway reports its start within a minute of loading its plugins. */
const START_WITHIN_MS = 60_000;
/**
 * Chosen: a healthy bus has taken a report by then, so the usual report is never written to the disk; and while the bus
 * is away, several reports share one write.
 */
const KEEP_AFTER_MS = 200;

const STARTED = "/v1/gateway/started";
const RUN_ENDED = "/v1/gateway/run-ended";

/** Statuses of the bus after which a retry may succeed: the token is not valid yet, or the bus is busy or stopping. */
const RETRIED = new Set([401, 403, 408, 425, 429]);

/**
 * One report.
 *
 * @typedef {{queue: string, path: string, body: object | (() => object), at: number, taken?: (answer: object) => void}} Report
 */

export class Reporter {
  #url;
  #token;
  #log;
  #fetch;
  #times;
  #spool;
  // The timer of the next write to the spool.
  #keeping;
  // The reports that the bus has not taken, oldest first; each queue has a loop that sends its reports in order.
  #reports = [];
  #loops = new Map();
  #warned = new Set();
  #stopping = new AbortController();
  // Reports of runs wait for the report of the start. If it arrived after them, the bus would suspect the very runs
  // they describe.
  #started;
  #startTaken = () => {};

  /**
   * Sends the reports of the reporter before, or else those that an earlier process has kept.
   *
   * @param {object} options
   * @param {string} options.url the bus, without a path
   * @param {() => string} options.token reads the token anew for each try; throws if there is none
   * @param {{warn: (text: string) => void}} options.log
   * @param {boolean} options.expectStart whether gatewayStarted will be called soon; if so, all other reports wait for it
   * @param {import("./spool.js").Spool} [options.spool] keeps the ends of runs; without it a restart loses them
   * @param {Report[]} [options.reports] what {@link release} of the reporter before returned. The file is then not read:
   *     these reports include its own, in the order in which the bus must get them
   * @param {typeof fetch} [options.fetch]
   * @param {{firstPauseMs?: number, longestPauseMs?: number, mostWaiting?: number, keepAfterMs?: number}} [options.times]
   */
  constructor({ url, token, log, expectStart, spool, reports, fetch = globalThis.fetch, times = {} }) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#log = log;
    this.#spool = spool;
    this.#fetch = fetch;
    this.#times = {
      firstPauseMs: times.firstPauseMs ?? FIRST_PAUSE_MS,
      longestPauseMs: times.longestPauseMs ?? LONGEST_PAUSE_MS,
      mostWaiting: times.mostWaiting ?? MOST_WAITING,
      keepAfterMs: times.keepAfterMs ?? KEEP_AFTER_MS,
    };
    this.#started = expectStart
      ? new Promise((resolve) => {
          this.#startTaken = resolve;
          setTimeout(resolve, START_WITHIN_MS).unref();
        })
      : Promise.resolve();
    (reports ?? this.#kept()).forEach((report) => this.#add(report));
    if (reports) {
      // The reporter before may not have written its last ones.
      this.#keep();
    }
  }

  /**
   * Reports the start of the gateway. All other reports wait until the bus has taken this one, which may be much later,
   * because the token may be installed later.
   *
   * @param {() => object} body makes the body for each try, so that the ages in it are current
   */
  gatewayStarted(body) {
    this.#add({ queue: "the gateway", path: STARTED, body, at: Date.now() });
  }

  /**
   * Reports the start or the end of a run.
   *
   * @param {string} sessionKey the run's session; its reports arrive in order
   * @param {"run-started" | "run-ended"} what
   * @param {object} body the report; durationMs, if it has one, ends now, and grows until the report is sent
   * @param {(answer: object) => void} [taken] gets the answer of the bus when it has taken the report
   */
  run(sessionKey, what, body, taken) {
    this.#add({ queue: sessionKey, path: `/v1/gateway/${what}`, body, at: Date.now(), taken });
    this.#keep();
  }

  /**
   * Waits until all reports are sent, at most the given time; after that no report is sent any more. The ends of runs
   * stay in the file.
   *
   * @param {number} withinMs the longest wait, in milliseconds
   */
  async stop(withinMs) {
    await Promise.race([Promise.all(this.#loops.values()), pauseFor(withinMs, undefined, { ref: false })]);
    this.#stopping.abort();
    this.#keepNow();
  }

  /**
   * Stops at once and hands all reports to the reporter that takes over in this process.
   *
   * @returns {Report[]} the reports that the bus has not taken, oldest first
   */
  release() {
    this.#stopping.abort();
    clearTimeout(this.#keeping);
    this.#spool = undefined;
    return this.#reports;
  }

  /**
   * @returns {number} the number of reports that are still to be sent
   */
  get waiting() {
    return this.#stopping.signal.aborted ? 0 : this.#reports.length;
  }

  #add(report) {
    if (this.#reports.length >= this.#times.mostWaiting) {
      // The oldest report of a run, because its lease has most likely told the bus already.
      const oldest = this.#reports.findIndex((each) => each.path !== STARTED);
      this.#reports.splice(Math.max(0, oldest), 1);
      this.#warnOnce("full", `more than ${this.#times.mostWaiting} reports wait; the bus learns of the oldest ends of runs by their leases`);
    }
    if (report.path === STARTED) {
      const before = this.#startTaken;
      this.#started = new Promise((resolve) => {
        this.#startTaken = () => {
          before();
          resolve();
        };
      });
    }
    this.#reports.push(report);
    if (!this.#loops.has(report.queue)) {
      this.#loops.set(report.queue, this.#sendAll(report.queue));
    }
  }

  /** Sends the reports of a queue, one after the other, until there is none or the reporter stops. */
  async #sendAll(queue) {
    // Lets the caller go on before anything is sent.
    await Promise.resolve();
    let pause = this.#times.firstPauseMs;
    for (;;) {
      const report = this.#reports.find((each) => each.queue === queue);
      if (!report || this.#stopping.signal.aborted) {
        this.#loops.delete(queue);
        return;
      }
      await this.#turn(report);
      const failure = await this.#send(report);
      if (failure?.retry) {
        this.#warnOnce(failure.what, `${report.path}: ${failure.what}; trying again until the bus takes it`);
        await pauseFor(pause, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
        pause = Math.min(pause * 2, this.#times.longestPauseMs);
        continue;
      }
      if (failure) {
        this.#warnOnce(`lost ${report.path} ${failure.what}`, `${report.path} was not taken: ${failure.what}`);
      } else {
        this.#warned.clear();
      }
      pause = this.#times.firstPauseMs;
      this.#done(report);
    }
  }

  /** Waits until a report may be sent: at once for a start of the gateway, and after it for all others. */
  async #turn(report) {
    let awaited;
    while (report.path !== STARTED && awaited !== this.#started) {
      awaited = this.#started;
      await awaited;
    }
  }

  #done(report) {
    this.#reports = this.#reports.filter((each) => each !== report);
    if (report.path === STARTED) {
      this.#startTaken();
    } else {
      this.#keep();
    }
  }

  /** Sends a report once. Returns null on success, otherwise the failure and whether a retry may help. */
  async #send(report) {
    let token;
    try {
      token = this.#token();
    } catch (error) {
      return { retry: true, what: error.message };
    }
    try {
      const response = await this.#fetch(this.#url + report.path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(current(report)),
        redirect: "error",
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), this.#stopping.signal]),
      });
      const answer = object(await response.text());
      if (response.ok && answer) {
        report.taken?.(answer);
        return null;
      }
      const code = typeof answer?.code === "string" ? answer.code.slice(0, 80) : undefined;
      // Only the bus can refuse a report for good. A page without a code comes from a proxy, or from a server that is
      // still starting.
      return {
        retry: code === undefined || RETRIED.has(response.status) || response.status >= 500,
        what: `${response.status} ${code ?? "without an answer of the bus"}`,
      };
    } catch (error) {
      // Never the error's own text, because it may contain the headers with the token.
      return { retry: true, what: `the bus gives no answer (${error?.cause?.code ?? error?.name ?? "unknown"})` };
    }
  }

  #kept() {
    try {
      return this.#spool?.read() ?? [];
    } catch (error) {
      this.#warnOnce("read", `kept reports cannot be read: ${error?.message ?? error}`);
      return [];
    }
  }

  /**
   * Keeps the reports soon. An empty list is written at once, because a removal is cheap and no restart may send a report
   * that the bus has taken; so is every list after the stop, because the process may end at any time.
   */
  #keep() {
    if (this.#stopping.signal.aborted || this.#ends().length === 0) {
      this.#keepNow();
    } else {
      this.#keeping ??= setTimeout(() => this.#keepNow(), this.#times.keepAfterMs).unref();
    }
  }

  #ends() {
    return this.#reports.filter((report) => report.path === RUN_ENDED);
  }

  /** Keeps the ends of runs. Their starts are not kept, because no run outlives the process of its gateway. */
  #keepNow() {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    try {
      this.#spool?.keep(this.#ends());
    } catch (error) {
      this.#warnOnce("spool", `reports are not kept over a restart: ${error?.message ?? error}`);
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

/** The body of a report for a try at this moment. */
function current({ body, at }) {
  if (typeof body === "function") {
    return body();
  }
  // The time from the start of the run to this try, not to the end of the run: the bus subtracts the duration from the
  // arrival of the report to find the start.
  return Number.isFinite(body.durationMs) ? { ...body, durationMs: body.durationMs + Math.max(0, Date.now() - at) } : body;
}

/** The JSON object of a text, or nothing. */
function object(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
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
