// What the gateway's own events say of the runs of jobs.
//
// A run is over when its lifecycle says "end" or "error" and that its execution is settled. The hook agent_end is not that:
// it comes after each try of the model, also after one that failed and is tried again, and then says success (measured on
// OpenClaw 2026.9.6). It is used for what the tries cost.

const OURS = /^agent:([^:]+):job:.+$/i;
/** Ours: eight runs at once; a run whose end never came must not stay for ever. */
const MOST_RUNS = 200;

export class Runs {
  #runs = new Map();
  #report;

  /** @param {(sessionKey: string, what: "run-started" | "run-ended", body: () => object) => void} report */
  constructor(report) {
    this.#report = report;
  }

  /**
   * Takes an agent event of the gateway's; anything but the begin and end of a job's run is let go.
   *
   * @param {any} event
   */
  event(event) {
    if (event?.stream !== "lifecycle" || typeof event.runId !== "string" || typeof event.data !== "object" || !event.data) {
      return;
    }
    const { phase, executionSettled } = event.data;
    if (phase === "start") {
      this.#began(event);
    } else if ((phase === "end" || phase === "error") && executionSettled === true) {
      this.#ended(event);
    }
  }

  /**
   * Takes the hook agent_end: adds up what this try of the model has used.
   *
   * @param {any} event
   */
  triedOnce(event) {
    const run = this.#runs.get(event?.runId);
    if (!run || !Array.isArray(event.messages)) {
      return;
    }
    // A session goes on after an earlier attempt; its messages are not this run's.
    const since = Date.now() - (Number.isFinite(event.durationMs) ? event.durationMs : 0);
    for (const message of event.messages) {
      if (message?.role === "assistant" && message.usage && message.timestamp >= since) {
        run.usage = add(run.usage, message);
      }
    }
  }

  #began(event) {
    const known = this.#runs.get(event.runId);
    const sessionKey = known?.sessionKey ?? event.sessionKey;
    const agent = OURS.exec(sessionKey ?? "");
    // A start for each try; the run has begun with the first.
    if (known || !agent) {
      return;
    }
    if (this.#runs.size >= MOST_RUNS) {
      this.#runs.delete(this.#runs.keys().next().value);
    }
    const run = { sessionKey, agentId: event.agentId ?? agent[1], begunAt: at(event.data.startedAt, event.ts), usage: undefined };
    this.#runs.set(event.runId, run);
    this.#report(sessionKey, "run-started", () => ({ ...names(run, event.runId) }));
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
    this.#report(sessionKey, "run-ended", () => ({
      ...names(run, event.runId),
      success,
      ...(success ? {} : { error: String(error ?? (aborted ? "agent run aborted" : "no reason given")).slice(0, 2000) }),
      // Up to now, not up to its end: the bus reckons back from when it hears this to when the run began.
      durationMs: Math.max(0, Date.now() - run.begunAt),
      ...(run.usage ? { usage: run.usage } : {}),
    }));
  }
}

function names(run, runId) {
  return { sessionKey: run.sessionKey.slice(0, 300), agentId: run.agentId, runId: runId.slice(0, 200) };
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
    ...(typeof message.model === "string" ? { model: `${message.provider ?? ""}/${message.model}`.slice(0, 200) } : {}),
  };
}
