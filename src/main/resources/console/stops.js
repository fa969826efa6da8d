// Stop everything, pause, drain and resume: their dialogs, and the banner while something is stopped.

import { ask } from "./act.js";
import { phaseIsOn } from "./api.js";
import { count, counted } from "./format.js";
import { cell, html, useCell } from "./lib.js";
import { lastAnswer, useRead, WIDE_GAP_MS } from "./reads.js";
import { ActButton, AgentLink, JobLink, Text, Time } from "./ui.js";

/** What has no name of its own, because there is only one of its kind. */
const ALONE = { everything: "everything", promotions: "promotion of memories" };

export const named = (kind, name) => ALONE[kind] ?? `${kind.replace("_", " ")} ${name}`;

/** The answer of the last stop-everything of this visit, until it is closed. */
const stopAnswer = cell(null);

/**
 * What undoes a pause, a drain or a freeze: nothing where one was in force before, because its end would end that one, too.
 *
 * @param operation resume or unfreeze
 * @returns undo for ask()
 */
export function undoOf(operation, kind, name) {
  const before = pausesNow();
  const earlier = (since) => (pause) =>
    pause.kind === kind && pause.name === name && (pause.mode === "freeze") === (operation === "unfreeze") && pause.since !== since;
  return ({ since }) => before && ![...before, ...(pausesNow() ?? [])].some(earlier(since)) && { operation, input: { kind, name } };
}

/** The read of the pauses in force: operation, input, kinds, gap. */
export const pausesRead = () => ["listPauses", {}, ["agents", "gateways", "jobs"], WIDE_GAP_MS];

/** The pauses in force as the banner has read them; undefined before that. */
const pausesNow = () => lastAnswer("listPauses")?.pauses;

/** An act that pauses or drains: mode is pause or drain; kind is agent, job_type, gateway or everything. */
export const pauseAct = (mode, kind, name) => ({
  label: mode === "drain" ? "Drain" : "Pause",
  title: `${mode === "drain" ? "Drain" : "Pause"} ${named(kind, name)}`,
  sentence: mode === "drain"
    ? "No new work is started. Running jobs go on, and the bus says when the last one has ended."
    : "No new work is started. Running jobs go on.",
  operation: mode,
  input: { kind, name },
  fields: [{ name: "reason" }, { name: "until" }],
  audit: { table: "pauses" },
  undo: undoOf("resume", kind, name),
});

/** An act that ends pause, drain and stop. */
export const resumeAct = (kind, name) => ({
  label: "Resume",
  title: `Resume ${named(kind, name)}`,
  sentence: kind === "everything" ? "Work is started again everywhere, except where an agent, a job type or a gateway is paused by itself." : "Work is started again.",
  operation: "resume",
  input: { kind, name },
  audit: { table: "pauses" },
});

/** The act that freezes an agent, a phase or the promotions of memories. */
export const freezeAct = (kind, name) => ({
  label: "Freeze",
  danger: true,
  title: `Freeze ${named(kind, name)}`,
  sentence: kind === "promotions"
    ? "No candidate becomes a memory until somebody unfreezes. Candidates are still written, and the memories that are there still stand in prompts."
    : "New work for it is refused with your reason, whoever asks. Work that it has already goes on.",
  operation: "freeze",
  input: { kind, name },
  undo: undoOf("unfreeze", kind, name),
  audit: { table: "pauses" },
});

/** Asks for the stop of everything. */
export const stopEverything = () =>
  ask({
    title: "Stop everything",
    sentence: "Nothing is started any more, and each running attempt is ended and its run aborted. The jobs go back to their queues and keep their attempts. It stays so across restarts, until somebody resumes with a reason.",
    operation: "stopEverything",
    danger: true,
    audit: { table: "pauses" },
    then: (answer) => stopAnswer.set(answer),
  });

/** The button of the top line. */
export const StopButton = () =>
  html`<${ActButton} label=${html`Stop<span class="wide-only"> everything</span>`} onClick=${stopEverything} />`;

/** A banner while everything is stopped, paused or drained, or a phase is frozen: by whom, since when, why. */
export function StopBanner() {
  const pauses = useRead(...pausesRead()).answer?.pauses ?? [];
  const wide = pauses.filter(({ kind, until }) => (kind === "everything" || kind === "phase") && !(until && Date.parse(until) < Date.now()));
  const answer = useCell(stopAnswer);
  return html`
    ${wide.map(
      (pause) => html`<div class="banner trouble" role="status" key=${pause.pauseId}>
        <p><strong>${pause.kind === "everything" ? "Everything" : `Phase ${pause.name}`} is ${pause.status}</strong> by <${Text}>${pause.by}<//>${" "}
          since <${Time} at=${pause.since} />: <${Text}>${pause.reason}<//>
          ${Number(pause.running) > 0 && html` ${counted(pause.running, "job")} still running.`}</p>
        <${ActButton} label=${endAct(pause).label} onClick=${() => ask(endAct(pause))} />
      </div>`,
    )}
    ${answer && html`<${StopAnswer} answer=${answer} />`}
  `;
}

/** The act that ends a pause, drain, stop or freeze of list-pauses. */
export const endAct = ({ kind, name, mode }) =>
  mode === "freeze"
    ? { label: "Unfreeze", title: `Unfreeze ${named(kind, name)}`, sentence: kind === "promotions" ? "Candidates can become memories again." : "Writes are accepted again.", operation: "unfreeze", input: { kind, name }, audit: { table: "pauses" } }
    : resumeAct(kind, name);

/** The button that freezes the promotions of memories, or unfreezes them; none while the bus has no memories. */
export function PromotionAct({ pauses }) {
  const freeze = pauses.find(({ kind, endedAt }) => kind === "promotions" && !endedAt);
  const act = freeze ? endAct(freeze) : phaseIsOn(4) && freezeAct("promotions", "memory");
  return act && html`<${ActButton} label=${`${act.label} promotions`} onClick=${() => ask(act)} />`;
}

/** What was running when everything was stopped. */
const StopAnswer = ({ answer }) => html`<div class="banner" role="status">
  <div>
    <p>${answer.running?.length > 0
      ? html`<strong>When it stopped, ${counted(answer.running.length, "run")} may still have been at work.</strong> The gateways are asked to abort ${count(answer.aborting)}.`
      : html`<strong>Nothing was running when it stopped.</strong>`}</p>
    <ul class="plain">
      ${answer.running?.map((run) => html`<li key=${run.jobId}><${JobLink} job=${run} /> of <${AgentLink} agent=${run.targetAgent} />, attempt ${run.attemptNo} on ${run.gateway ?? "no gateway"}, since <${Time} at=${run.since} /></li>`)}
    </ul>
  </div>
  <button type="button" onClick=${() => stopAnswer.set(null)}>Close</button>
</div>`;
