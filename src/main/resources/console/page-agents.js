// The agents: what each does now, since when and by which row, and how much waits for it.

import { Linked, Share } from "./charts.js";
import { jobsWhere } from "./filter.js";
import { count, counted, shortId } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { useRead } from "./reads.js";
import { address } from "./router.js";
import { Answer, JobLink, Table, Text, Time } from "./ui.js";

/** Agents that need somebody come first, and those that can do nothing last. */
const RANK = ["stopped", "paused", "working", "waiting", "thinking", "idle", "disabled"];

const KINDS = ["agents", "jobs"];

export default function AgentsPage() {
  const read = useRead("listAgents", {}, KINDS);
  return html`<${Answer} read=${read} not="The agents were not read">
    ${({ agents }) =>
      agents.length === 0
        ? html`<p>No agent is here yet. Each agent is a folder with an agent.yaml; the guide tells how to add one.</p>`
        : html`<${Agents} agents=${[...agents].sort(byRank)} />`}
  <//>`;
}

const byRank = (one, other) => RANK.indexOf(one.status) - RANK.indexOf(other.status) || one.agentId.localeCompare(other.agentId);

function Agents({ agents }) {
  const at = agents.filter(({ status }) => status === "working").length;
  return html`<p class="quiet">${counted(agents.length, "agent")}, ${at} at work</p>
    <${Table} label="Agents" rows=${agents} keyOf=${({ agentId }) => agentId}
      columns=${[
        { title: "Agent", kind: "main", cell: ({ agentId }) => html`<a data-open id=${`row-${agentId}`} href=${address(["agents", agentId])}><${Text}>${agentId}<//></a>` },
        { title: "Status", cell: ({ status }) => html`<${State} state=${status} />` },
        { title: "Since", cell: ({ statusSince }) => html`<${Time} at=${statusSince} inRow />` },
        { title: "By", kind: "wide", cell: ({ statusFrom }) => html`<${StatusFrom} row=${statusFrom} />` },
        { title: "At work", kind: "number", cell: ({ live, maxConcurrency }) => html`<${Share} part=${Number(live)} whole=${Number(maxConcurrency)} label=${`${count(live)} of ${count(maxConcurrency)} jobs`} />` },
        ...["queued", "blocked", "dead"].map((state) => ({
          title: state[0].toUpperCase() + state.slice(1), kind: "number", cell: (agent) => html`<${JobsIn} agent=${agent} state=${state} />`,
        })),
        { title: "Refused, 24 h", kind: "number", cell: ({ refusals24h }) => count(refusals24h) },
        { title: "Last job", cell: ({ lastEndedJobId }) => lastEndedJobId && html`<${JobLink} job=${lastEndedJobId}><code class="whole">${shortId(lastEndedJobId)}</code><//>` },
      ]} />`;
}

/** The number of an agent's jobs in a state, as a link to them. */
export const JobsIn = ({ agent, state }) =>
  html`<${Linked} number=${agent[state]} href=${jobsWhere({ targetAgent: agent.agentId, state })} state=${state === "queued" ? undefined : state} />`;

/** The row by which a status is known, such as "job 0190…"; a job is a link. */
export function StatusFrom({ row }) {
  const [kind, id] = (row ?? "").split(" ");
  if (!id) {
    return html`<span class="quiet">–</span>`;
  }
  const name = html`${kind} <code class="whole"><${Text}>${kind === "agent" ? id : shortId(id)}<//></code>`;
  return kind === "job" ? html`<${JobLink} job=${id}>${name}<//>` : name;
}
