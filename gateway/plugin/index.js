// The gateway's side of agentbus: tells the bus when the gateway has started, and when the run of a job begins and ends.
// It changes nothing in a run, and no run waits for it.

import { randomUUID } from "node:crypto";
import { Reporter, tokenSource } from "./reporter.js";
import { Runs } from "./runs.js";

/** Ours: OpenClaw gives a plugin 5 s to stop. */
const STOP_WITHIN_MS = 3000;

// One life of the gateway is one process. The plugin may be loaded more than once in it, after a change of its
// configuration; that is no new life, and must not put the runs that are under way in doubt.
const LIFE = Symbol.for("agentbus.gateway.life");
const life = (globalThis[LIFE] ??= { bootId: randomUUID(), started: false, leave: () => {} });

export default {
  id: "agentbus",
  name: "agentbus",
  description: "Tells the bus when this gateway has started, and when the run of a job begins and ends.",

  register(api) {
    // OpenClaw also loads plugins only to look at them.
    if (api.registrationMode !== undefined && api.registrationMode !== "full") {
      return;
    }
    const config = api.pluginConfig ?? {};
    const reporter = new Reporter({ url: config.url, token: tokenSource(config), log: api.logger, expectStart: !life.started });
    const runs = new Runs((sessionKey, what, body) => reporter.run(sessionKey, what, body));
    const safely = quiet(api.logger);

    life.leave();
    const unsubscribe = api.runtime.events.onAgentEvent(safely((event) => runs.event(event)));
    life.leave = typeof unsubscribe === "function" ? unsubscribe : () => {};

    api.on("gateway_start", safely(() => {
      life.started = true;
      reporter.gatewayStarted(() => ({
        bootId: life.bootId,
        version: String(api.runtime.version ?? "unknown").slice(0, 100),
        uptimeMs: Math.round(process.uptime() * 1000),
      }));
    }));
    api.on("agent_end", safely((event) => runs.triedOnce(event)));
    api.on("gateway_stop", () => reporter.stop(STOP_WITHIN_MS));
  },
};

/** What an odd event makes go wrong is said once; the gateway goes on. */
function quiet(log) {
  let said = false;
  return (handler) => (...args) => {
    try {
      handler(...args);
    } catch (error) {
      if (!said) {
        said = true;
        log.warn(`agentbus: an event was not understood: ${error?.message ?? error}`);
      }
    }
  };
}
