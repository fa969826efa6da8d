// Overview: whether work flows. Throughput over time, the agents with what waits for them, and what runs the bus.

import { ask } from "./act.js";
import { Columns, Linked, Share } from "./charts.js";
import { jobsWhere } from "./filter.js";
import { counted, duration } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { useRead, WIDE_GAP_MS } from "./reads.js";
import { address, setQuery } from "./router.js";
import { resumeAct } from "./stops.js";
import { ActButton, Answer, Choice, Section, Since, Table, Text, Time, Words } from "./ui.js";

const WINDOWS = [["1", "1 hour"], ["6", "6 hours"], ["24", "24 hours"], ["168", "7 days"]];
const KINDS = ["jobs", "agents", "gateways"];

export default function Overview({ query }) {
  const hours = query.hours ?? "24";
  const read = useRead("overview", { hours: Number(hours) }, KINDS, WIDE_GAP_MS);
  return html`
    <${Answer} read=${read} not="The overview was not read">
      ${(answer) => html`
        <${Section} id="throughput" title="Ended jobs" note=${html`read <${Time} at=${answer.measuredAt} inRow />`}>
          <${Choice} label="Time window" value=${hours} options=${WINDOWS} onChange=${(value) => setQuery({ hours: value })} />
          <${Columns} label=${`Jobs that ended in the last ${hours} hours`} steps=${answer.series} up=${["succeeded", "cancelled"]} down=${["failed", "dead"]}
            placeOf=${(index) => stepAddress(answer.series, index)} />
        <//>
        <${Section} id="agents" title="Agents">
          ${answer.agents.length > 0 ? html`<${Agents} agents=${answer.agents} />` : html`<p>No agent is known yet. An agent is a folder in <code>agents/</code>.</p>`}
        <//>
        ${answer.pauses?.length > 0 && html`<${Section} id="pauses" title="Stopped and paused"><${Pauses} pauses=${answer.pauses} /><//>`}
        <${Section} id="gateways" title="Gateways"><${Gateways} gateways=${answer.gateways} /><//>
        <${Phases} />
        <${Section} id="dispatchers" title="Dispatchers" note=${wakeWords(answer.wakes)}><${Dispatchers} dispatchers=${answer.dispatchers} /><//>
      `}
    <//>`;
}

const stepAddress = (steps, index) => jobsWhere({ since: steps[index].at, until: steps[index + 1]?.at });

const wakeWords = (wakes) =>
  wakes?.source && `woken by ${wakes.source === "listen" ? "notifications" : "polling"}${wakes.listenerConnected ? "" : "; a listener is not connected"}`;

function Agents({ agents }) {
  const jobs = (agentId, state) => jobsWhere({ targetAgent: agentId, state });
  const number = (title, field, state, toned) => ({
    title, kind: "number", cell: (agent) => html`<${Linked} number=${agent[field]} capped=${agent.capped?.includes(field)} href=${jobs(agent.agentId, state)} state=${toned && state} />`,
  });
  return html`<${Table} label="Agents" rows=${agents} keyOf=${({ agentId }) => agentId} columns=${[
    { title: "Agent", kind: "main", cell: ({ agentId }) => html`<a class="name" id=${`row-${agentId}`} data-open href=${address(["agents", agentId])}><${Text}>${agentId}<//></a>` },
    { title: "Lane", cell: (agent) => html`<${Lane} agent=${agent} />` },
    { title: "At work", cell: ({ live, capacity }) => html`<${Share} part=${Number(live)} whole=${Number(capacity)} label=${`${live} of ${capacity} places in use`} />` },
    number("Queued", "queued", "queued"),
    { title: "Oldest queued", kind: "number", cell: ({ oldestQueuedSeconds }) => (oldestQueuedSeconds ? duration(oldestQueuedSeconds) : html`<span class="quiet">–</span>`) },
    number("Waiting", "waiting", "waiting"),
    number("Blocked", "blocked", "blocked", true),
    number("Dead", "dead", "dead", true),
  ]} />`;
}

/** The state of a lane, and why it is stopped or waits. */
const Lane = ({ agent: { status, statusSince, stopped, waitsFor } }) =>
  html`<${State} state=${status} /> <span class="small quiet">${statusSince && html`for <${Since} at=${statusSince} />`}${(stopped ?? waitsFor) && html`: <${Words}>${stopped ?? waitsFor}<//>`}</span>`;

const Pauses = ({ pauses }) => html`<${Table} label="Stopped and paused" rows=${pauses} keyOf=${({ pauseId }) => pauseId} columns=${[
  { title: "What", kind: "main", cell: ({ kind, name }) => html`${kind.replace("_", " ")} <${Text}>${name}<//>` },
  { title: "State", cell: ({ status }) => html`<${State} state=${status} />` },
  { title: "Reason", kind: "wide", cell: ({ reason, by }) => html`<${Text}>${reason}<//> <span class="quiet">by <${Text}>${by}<//></span>` },
  { title: "Since", cell: ({ since }) => html`<${Time} at=${since} inRow />` },
  { title: "Until", cell: ({ until }) => (until ? html`<${Time} at=${until} inRow />` : html`<span class="quiet">resumed by hand</span>`) },
  { title: "Act", kind: "acts", cell: (pause) => pause.mode !== "freeze" && html`<${ActButton} label="Resume" onClick=${() => ask(resumeAct(pause.kind, pause.name))} />` },
]} />`;

const Gateways = ({ gateways }) =>
  gateways.length === 0
    ? html`<p class="quiet">No gateway.</p>`
    : html`<${Table} label="Gateways" rows=${gateways} keyOf=${({ name }) => name} columns=${[
        { title: "Gateway", kind: "main", cell: ({ name }) => html`<a class="name" href=${address(["gateways"])}><${Text}>${name}<//></a>` },
        { title: "State", cell: ({ state, reason }) => html`<${State} state=${state} /> <span class="small quiet"><${Text}>${reason}<//></span>` },
        { title: "In flight", cell: ({ inFlight, maxInFlight }) => html`<${Share} part=${Number(inFlight ?? 0)} whole=${Number(maxInFlight ?? 0)} label=${`${inFlight} of ${maxInFlight} runs`} />` },
        { title: "Since", cell: ({ since }) => html`<${Time} at=${since} inRow />` },
      ]} />`;

/** The phases of the rollout that are on, each with its sign-off. */
function Phases() {
  const read = useRead("listPhases", {}, [], WIDE_GAP_MS);
  const on = (read.answer?.phases ?? []).filter((phase) => phase.isOn);
  if (on.length === 0) {
    return null;
  }
  return html`<${Section} id="phases" title="Phases"><${Table} label="Phases" rows=${on} keyOf=${({ phase }) => phase} columns=${[
    { title: "Phase", kind: "main", cell: ({ phase, name }) => `${phase} ${name}` },
    { title: "On since", cell: ({ since }) => html`<${Time} at=${since} inRow />` },
    { title: "Sign-off of its gate", kind: "wide", cell: (phase) => html`<${SignOff} phase=${phase} />` },
  ]} /><//>`;
}

const SignOff = ({ phase: { signedOffBy, signedOffAt, despite } }) =>
  signedOffBy
    ? html`<${Text}>${signedOffBy}<//> <${Time} at=${signedOffAt} inRow />${despite && html` <span class="attention">although the gate was not met: <${Text}>${despite}<//></span>`}`
    : html`<span class="quiet">none yet; the command phase-gate shows what holds</span>`;

const Dispatchers = ({ dispatchers }) =>
  dispatchers.length === 0
    ? html`<p class="trouble">No dispatcher: nothing hands jobs to agents now.</p>`
    : html`<${Table} label="Dispatchers" rows=${dispatchers} keyOf=${({ dispatcherId }) => dispatcherId} columns=${[
        { title: "Host", kind: "main", cell: ({ host, pid }) => html`<${Text}>${host}<//>, process ${pid}` },
        { title: "State", cell: ({ status }) => html`<${State} state=${status} />` },
        { title: "Last heartbeat", cell: ({ ageSeconds }) => `${duration(ageSeconds)} ago` },
        { title: "Leases", kind: "number", cell: ({ leasesOwned }) => counted(leasesOwned, "lease") },
        { title: "Version", cell: ({ version }) => html`<${Text}>${version}<//>` },
      ]} />`;
