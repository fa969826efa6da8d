// The gateway's plugin for agentbus: reports the start of the gateway, and the start and end of each job's run, to the
// bus. It changes nothing in a run, and no run waits for it.

import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { Reporter, tokenSource } from "./reporter.js";
import { cut, Runs } from "./runs.js";
import { Spool } from "./spool.js";

/** Chosen: below the 5 s that OpenClaw gives a plugin to stop. */
const STOP_WITHIN_MS = 3000;

// One id per gateway process. A configuration change loads the plugin again in the same process; this is not a new
// start of the gateway, and must not make the bus suspect its current runs.
const BOOT = Symbol.for("agentbus.gateway.life");
const boot = (globalThis[BOOT] ??= { bootId: randomUUID(), started: false, stopListening: () => {} });

export default {
  id: "agentbus",
  name: "agentbus",
  description: "Tells the bus when this gateway has started, and when the run of a job begins and ends.",

  register(api) {
    // OpenClaw also loads plugins only to inspect them.
    if (api.registrationMode !== undefined && api.registrationMode !== "full") {
      return;
    }
    const config = api.pluginConfig ?? {};
    const reporter = new Reporter({
      url: config.url,
      token: tokenSource(config),
      log: api.logger,
      expectStart: !boot.started,
      spool: new Spool(config.spoolFile ?? join(stateDirectory(), "agentbus", "reports.json")),
      reports: boot.reporter?.release(),
    });
    boot.reporter = reporter;
    const runs = new Runs((sessionKey, what, body, taken) => reporter.run(sessionKey, what, body, taken));
    const safely = quiet(api.logger);

    boot.stopListening();
    const unsubscribe = api.runtime.events.onAgentEvent(safely((event) => runs.event(event)));
    boot.stopListening = typeof unsubscribe === "function" ? unsubscribe : () => {};

    api.on("gateway_start", safely(() => {
      boot.started = true;
      reporter.gatewayStarted(() => ({
        bootId: boot.bootId,
        version: cut(String(api.runtime.version ?? "unknown"), 100),
        uptimeMs: Math.round(process.uptime() * 1000),
      }));
    }));
    api.on("agent_end", safely((event) => runs.modelCalled(event)));
    api.on("gateway_stop", () => reporter.stop(STOP_WITHIN_MS));
  },
};

/** The directory in which the gateway keeps its state. */
function stateDirectory() {
  return process.env.OPENCLAW_STATE_DIR?.trim() || join(homedir(), ".openclaw");
}

/** Logs an exception of an event handler once, so that an unexpected event does not disturb the gateway. */
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
