// Turns the gateway's events into reports about the runs of jobs.
//
// A run has ended when its lifecycle event has the phase "end" or "error" and its execution is settled. The hook
// agent_end does not mark the end of a run: OpenClaw calls it after each call of the model, and even reports success
// after a failed call that is retried (measured on OpenClaw 2026.9.6). The plugin uses the hook only to add up the costs.

const OURS = /^agent:([^:]+):job:.+$/i;
/** Chosen: far above the eight runs at once of OpenClaw. Limits the entries of runs whose end was never reported. */
const MOST_RUNS = 200;

export class Runs {
  #runs = new Map();
  #report;

  /**
   * @param {(sessionKey: string, what: "run-started" | "run-ended", body: object, taken?: (answer: object) => void) => void} report
   */
  constructor(report) {
    this.#report = report;
  }

  /**
   * Handles an agent event of the gateway; ignores all but the start, the usage and the end of a job's run.
   *
   * @param {any} event
   */
  event(event) {
    if (typeof event?.runId !== "string" || typeof event.data !== "object" || !event.data) {
      return;
    }
    if (event.stream === "usage") {
      this.#wrote(event);
    } else if (event.stream === "lifecycle") {
      this.#lived(event);
    }
  }

  /** Handles an event of a run's life. */
  #lived(event) {
    const { phase, executionSettled } = event.data;
    if (phase === "start") {
      this.#began(event);
    } else if ((phase === "end" || phase === "error") && executionSettled === true) {
      this.#ended(event);
    }
  }

  /**
   * Handles the hook agent_end: adds the usage of this call of the model to its run.
   *
   * @param {any} event
   */
  modelCalled(event) {
    const run = this.#runs.get(event?.runId);
    if (!run || !Array.isArray(event.messages)) {
      return;
    }
    // The attempts of a job share a session, so older messages may belong to the run of an earlier attempt.
    const since = Date.now() - (Number.isFinite(event.durationMs) ? event.durationMs : 0);
    for (const message of event.messages) {
      if (message?.role === "assistant" && message.usage && message.timestamp >= since) {
        run.usage = add(run.usage, message);
      }
    }
    this.#watch(run, event.runId);
  }

  /** Handles the event usage, which tells after each call of the model how many tokens the run has written in all. */
  #wrote(event) {
    const run = this.#runs.get(event.runId);
    if (run && Number.isFinite(event.data.outputTokens)) {
      run.written = event.data.outputTokens;
      this.#watch(run, event.runId);
    }
  }

  /**
   * Reports the usage of a run once it has spent more tokens than the bus allows it. What it has read is known only after
   * agent_end, which mostly is the end of the run (measured on OpenClaw 2026.9.6).
   */
  #watch(run, runId) {
    const written = { output: run.written ?? 0, total: run.written ?? 0 };
    const usage = run.usage?.total > written.total ? run.usage : written;
    if (!run.told && usage.total > run.tokenCap) {
      run.told = true;
      this.#report(run.sessionKey, "run-started", { ...names(run, runId), usage });
    }
  }

  #began(event) {
    const known = this.#runs.get(event.runId);
    const sessionKey = known?.sessionKey ?? event.sessionKey;
    const agent = OURS.exec(sessionKey ?? "");
    // Every call of the model has a start event; the run began with the first of them.
    if (known || !agent) {
      return;
    }
    if (this.#runs.size >= MOST_RUNS) {
      this.#runs.delete(this.#runs.keys().next().value);
    }
    const run = { sessionKey, agentId: event.agentId ?? agent[1], begunAt: at(event.data.startedAt, event.ts), usage: undefined };
    this.#runs.set(event.runId, run);
    this.#report(sessionKey, "run-started", names(run, event.runId), (answer) => {
      run.tokenCap = answer.tokenCap;
      this.#watch(run, event.runId);
    });
  }

  #ended(event) {
    const known = this.#runs.get(event.runId);
    this.#runs.delete(event.runId);
    const sessionKey = known?.sessionKey ?? event.sessionKey;
    const agent = OURS.exec(sessionKey ?? "");
    if (!agent) {
      return;
    }
    const { phase, aborted, error, startedAt } = event.data;
    const run = known ?? { sessionKey, agentId: event.agentId ?? agent[1], begunAt: at(startedAt, event.ts) };
    const success = phase === "end" && aborted !== true;
    this.#report(sessionKey, "run-ended", {
      ...names(run, event.runId),
      success,
      ...(success ? {} : { error: cut(String(error ?? (aborted ? "agent run aborted" : "no reason given")), 2000) }),
      durationMs: Math.max(0, Date.now() - run.begunAt),
      ...(run.usage ? { usage: run.usage } : {}),
    });
  }
}

/**
 * Cuts a text to at most a number of UTF-16 units, at whole characters, and replaces the characters that the bus cannot
 * store.
 *
 * @param {string} text
 * @param {number} most
 */
export function cut(text, most) {
  const divides = /[\ud800-\udbff]/.test(text[most - 1] ?? "") && /[\udc00-\udfff]/.test(text[most] ?? "");
  return text.slice(0, divides ? most - 1 : most).toWellFormed().replaceAll("\u0000", "\ufffd");
}

function names(run, runId) {
  return { sessionKey: cut(run.sessionKey, 300), agentId: cut(run.agentId, 200), runId: cut(runId, 200) };
}

function at(...candidates) {
  return candidates.find((value) => Number.isFinite(value)) ?? Date.now();
}

function add(sum = { calls: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0, costUsd: 0 }, message) {
  const number = (value) => (Number.isFinite(value) ? value : 0);
  const { usage } = message;
  return {
    calls: sum.calls + 1,
    input: sum.input + number(usage.input),
    output: sum.output + number(usage.output),
    cacheRead: sum.cacheRead + number(usage.cacheRead),
    cacheWrite: sum.cacheWrite + number(usage.cacheWrite),
    total: sum.total + number(usage.totalTokens),
    costUsd: sum.costUsd + number(usage.cost?.total),
    ...(typeof message.model === "string" ? { model: cut(`${message.provider ?? ""}/${message.model}`, 200) } : {}),
  };
}
