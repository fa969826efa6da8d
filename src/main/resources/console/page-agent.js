// One agent: what it does and by which row that is known, what it may do, its jobs, refusals, tokens and pauses.

import { jobsWhere } from "./filter.js";
import { count, counted, sentence } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { JobsIn, StatusFrom } from "./page-agents.js";
import { Pauses, StopActs } from "./pauses.js";
import { useRead } from "./reads.js";
import { address, useName } from "./router.js";
import { Answer, Facts, JobLink, Section, Table, Text, Time } from "./ui.js";

const KINDS = ["agents", "jobs"];

export default function AgentPage({ id }) {
  const read = useRead("getAgent", { agentId: id }, KINDS);
  return html`<${Answer} read=${read} not="The agent was not read">${(agent) => html`<${Agent} agent=${agent} />`}<//>`;
}

function Agent({ agent }) {
  const pauses = agent.pauses ?? [];
  useName(agent.agentId);
  return html`
    <p class="lead">
      <${State} state=${agent.status} /> <span class="title"><${Text}>${agent.agentId}<//></span>
    </p>
    <p class="next">So since <${Time} at=${agent.statusSince} />${agent.statusFrom && html`<span class="quiet">, known by <${StatusFrom} row=${agent.statusFrom} /></span>`}</p>
    ${agent.mission && html`<p><${Text}>${sentence(agent.mission)}<//></p>`}
    <div class="bar" role="toolbar" aria-label="Acts on this agent" data-page-actions>
      <${StopActs} kind="agent" name=${agent.agentId} pauses=${pauses} freezes />
      <a class="button" href=${address(["account"], { agent: agent.agentId })}>Account of its day</a>
    </div>
    <${Facts} facts=${[
      ["At work", `${count(agent.live)} of ${counted(agent.maxConcurrency ?? 1, "job")} at once`],
      ["Queued", html`<${JobsIn} agent=${agent} state="queued" />`],
      ["Blocked", html`<${JobsIn} agent=${agent} state="blocked" />`],
      ["Dead", html`<${JobsIn} agent=${agent} state="dead" />`],
      ["Gateway", agent.gateway && html`<a href=${address(["gateways"])}><${Text}>${agent.gateway}<//></a>`],
    ]} />
    ${pauses.length > 0 && html`<${Section} title="Pauses" id="pauses"><${Pauses} pauses=${pauses} /><//>`}
    <${Section} title="What it may do" id="may"><${May} agent=${agent} /><//>
    <${Section} title="Newest jobs" id="jobs" note=${html`<a href=${jobsWhere({ targetAgent: agent.agentId })}>all its jobs</a>`}>
      <${LastJobs} jobs=${agent.jobs ?? []} />
    <//>
    <${Section} title="Refusals" id="refusals"><${Refusals} refusals=${agent.refusals ?? []} /><//>
  `;
}

const List = ({ items }) =>
  items?.length > 0 && html`<ul class="names">${items.map((item) => html`<li key=${item}><code><${Text}>${item}<//></code></li>`)}</ul>`;

/** An entry of mayEnqueueTo is an agent, or an agent with subjects or job types. */
function handoff(entry) {
  if (typeof entry === "string") {
    return entry === "*" ? "every other agent" : entry;
  }
  const { agent, subjects, jobTypes } = entry;
  return `${agent === "*" ? "every other agent" : agent}: ${[...(subjects ?? []), ...(jobTypes ?? []).map((type) => `type ${type}`)].join(", ")}`;
}

const May = ({ agent }) =>
  html`<${Facts} facts=${[
    ["Does", html`<${List} items=${agent.accepts} />`],
    ["Hands work to", html`<${List} items=${agent.mayEnqueueTo?.map(handoff)} />`],
    ["Promotes memories", agent.mayPromoteMemories && (agent.mayPromoteMemories === "own" ? "of its own role" : "for all, apart from private ones of others")],
    ["Emits", html`<${List} items=${agent.emits} />`],
    ["Is woken by", html`<${List} items=${agent.subscriptions?.map(({ topic, subject }) => `${topic} → ${subject}`)} />`],
    ["Reads", agent.reads === "trusted" ? "no text from outside" : "text from outside, marked as data"],
    ["Standing orders", agent.standingOrders?.length > 0 && html`<ul class="names">${agent.standingOrders.map((order) => html`<li key=${order}><a href=${address(["orders", order])}><${Text}>${order}<//></a></li>`)}</ul>`],
    ["Model", agent.model && html`<${Text}>${agent.model}<//>`],
    ["Tokens of its own", agent.tokens && tokensOf(agent.tokens)],
    ["Jobs from one job", agent.maxFollowUps !== undefined && `at most ${count(agent.maxFollowUps)}`],
  ]} />`;

const tokensOf = (tokens) =>
  tokens.length === 0 ? "none; each attempt brings one" : html`${counted(tokens.length, "token")}, the newest made <${Time} at=${tokens[0].createdAt} />`;

const LastJobs = ({ jobs }) =>
  jobs.length === 0
    ? html`<p>It has had no job yet.</p>`
    : html`<${Table} label="Newest jobs" rows=${jobs} keyOf=${({ jobId }) => jobId}
        columns=${[
          { title: "Job", kind: "main", cell: (job) => html`<${JobLink} job=${job} open />` },
          { title: "State", cell: ({ state }) => html`<${State} state=${state} />` },
          { title: "Ended", cell: ({ endedAt }) => html`<${Time} at=${endedAt} inRow />` },
          { title: "What it says", kind: "wide", cell: ({ summary, lastError, blockedReason }) => html`<span class="clamp"><${Text}>${summary ?? lastError ?? blockedReason}<//></span>` },
        ]} />`;

const Refusals = ({ refusals }) =>
  refusals.length === 0
    ? html`<p>The bus has refused none of its calls lately.</p>`
    : html`<${Table} label="Refusals" rows=${refusals} keyOf=${({ auditId }) => String(auditId)}
        columns=${[
          { title: "Call", kind: "main", cell: ({ operation }) => html`<code><${Text}>${operation}<//></code>` },
          { title: "Why", cell: ({ code }) => html`<code><${Text}>${code}<//></code>` },
          { title: "What it said", kind: "wide", cell: ({ detail }) => html`<span class="clamp"><${Text}>${detail}<//></span>` },
          { title: "When", cell: ({ at }) => html`<${Time} at=${at} inRow />` },
        ]} />`;
