// What is paused, drained, stopped or frozen, and the acts that fit: the same for agents, gateways, job types and phases.

import { ask } from "./act.js";
import { counted } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { endAct, freezeAct, named, pauseAct } from "./stops.js";
import { ActButton, Table, Text, Time } from "./ui.js";

/**
 * The acts that fit: pause and drain while nothing is stopped, else the act that ends it; and the same for a freeze.
 *
 * @param kind agent, gateway, job_type or everything
 * @param name its name
 * @param pauses the pauses in force, as list-pauses gives them
 * @param freezes whether writes to it can be frozen
 * @returns acts for ask(), each with its label
 */
function stopActs({ kind, name, pauses, freezes = false }) {
  const own = pauses.filter((pause) => pause.kind === kind && pause.name === name && !pause.endedAt);
  const stop = own.find(({ mode }) => mode !== "freeze");
  const freeze = own.find(({ mode }) => mode === "freeze");
  const acts = stop ? [endAct(stop)] : [pauseAct("pause", kind, name), pauseAct("drain", kind, name)];
  if (freezes) {
    acts.push(freeze ? endAct(freeze) : freezeAct(kind, name));
  }
  return acts;
}

/** The buttons of these acts. */
export const StopActs = (of) =>
  stopActs(of).map((act) => html`<${ActButton} key=${act.title} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`);

/** The list of pauses, active ones first as the bus gives them. */
export function Pauses({ pauses }) {
  if (pauses.length === 0) {
    return html`<p>Nothing is paused, drained, stopped or frozen.</p>`;
  }
  return html`<${Table} label="Pauses" rows=${pauses} keyOf=${({ pauseId, kind, name, since }) => pauseId ?? `${kind} ${name} ${since}`}
    rowClass=${({ endedAt }) => (endedAt ? "ended" : undefined)}
    columns=${[
      { title: "What", kind: "main", cell: ({ kind, name }) => html`<${Text}>${named(kind, name)}<//>` },
      { title: "State", cell: ({ status, mode, endedAt }) => (endedAt ? html`<${State} state="cancelled" word=${`${mode} ended`} />` : html`<${State} state=${status} />`) },
      { title: "Since", cell: ({ since }) => html`<${Time} at=${since} inRow />` },
      { title: "Until", cell: ({ until, endedAt }) => (endedAt || until ? html`<${Time} at=${endedAt ?? until} inRow />` : "somebody resumes") },
      { title: "At work", kind: "number", cell: ({ running }) => running !== undefined && counted(running, "run") },
      { title: "Reason", kind: "wide", cell: ({ reason, by }) => html`<${Text}>${reason}<//> <span class="quiet">by <${Text}>${by}<//></span>` },
      { title: "Act", cell: (pause) => !pause.endedAt && html`<${EndButton} pause=${pause} />` },
    ]} />`;
}

function EndButton({ pause }) {
  const act = endAct(pause);
  return html`<${ActButton} label=${act.label} data-actions aria-label=${act.title} onClick=${() => ask(act)} />`;
}
