// Idle thinking: for each agent what came of it, what it has taken, how often it thinks, and its next question.

import { count, duration } from "./format.js";
import { html } from "./lib.js";
import { useRead, WIDE_GAP_MS } from "./reads.js";
import { address, go, route, setQuery } from "./router.js";
import { AgentLink, Answer, Choice, Section, Table, Text, Time } from "./ui.js";

const VIEWS = [["idle", "Idle thinking"], ["vault", "Vault"]];

/** The choice between idle thinking and the vault. */
export const Views = () => {
  const [shown] = route.get().path;
  return html`<${Choice} label="Page" value=${shown} options=${VIEWS} onChange=${(next) => next !== shown && go(address([next]))} />`;
};

const WINDOWS = [["14", "14 days"], ["30", "30 days"], ["90", "90 days"]];

export default function IdlePage({ query }) {
  const days = query.days ?? "14";
  const read = useRead("idleReport", { days: Number(days) }, ["agents", "jobs"], WIDE_GAP_MS);
  return html`
    <div class="tools">
      <${Views} />
      <${Choice} label="Time window" value=${days} options=${WINDOWS} onChange=${(next) => setQuery({ days: next })} />
    </div>
    <p class="quiet">When nothing waits for an agent, it thinks about one open question. Its thoughts become ideas, opportunities, candidates and questions.</p>
    <${Answer} read=${read} not="The report was not read">
      ${({ agents }) =>
        agents.length === 0
          ? html`<p>No agent has an order of idle thinking, and none has thought. Such an order has the job type idle; phase 5 brings ten.</p>`
          : html`<${Agents} agents=${agents} /><${Next} agents=${agents} /><${Skips} agents=${agents} />`}
    <//>`;
}

const number = (title, field) => ({ title, kind: "number", cell: (row) => count(row[field]) });

const Agents = ({ agents }) => html`<${Section} id="yield" title="What came of it">
  <${Table} label="What came of idle thinking" rows=${agents} keyOf=${({ agentId }) => agentId} columns=${[
    { title: "Agent", kind: "main", cell: ({ agentId, orderName }) => html`<a data-open id=${`row-${agentId}`} href=${orderName ? address(["orders", orderName]) : address(["agents", agentId])}><${Text}>${agentId}<//></a>` },
    number("Runs", "runs"),
    number("Outputs", "outputs"),
    number("Looked at", "reviewed"),
    number("Wanted", "wanted"),
    number("Used", "used"),
    { title: "Wanted of a run", kind: "number", cell: ({ yield: share }) => (share === undefined ? html`<span class="quiet">–</span>` : Number(share).toFixed(2)) },
    number("Tokens", "tokens"),
    { title: "Cost", kind: "number", cell: ({ costUsd }) => (costUsd === undefined ? html`<span class="quiet">–</span>` : `$${Number(costUsd).toFixed(2)}`) },
    { title: "Time", kind: "number", cell: ({ minutes }) => (minutes === undefined ? html`<span class="quiet">–</span>` : duration(minutes * 60)) },
    { title: "Last run", cell: ({ lastRunAt }) => html`<${Time} at=${lastRunAt} inRow />` },
    { title: "How often", kind: "wide", cell: ({ cadence, cadenceReason, cadenceSince }) => html`<${Text}>${cadence}<//>${cadenceReason && html` <span class="quiet">since <${Time} at=${cadenceSince} inRow />: <${Text}>${cadenceReason}<//></span>`}` },
  ]} />
<//>`;

const Next = ({ agents }) => html`<${Section} id="next" title="The next question">
  <${Table} label="The next question" rows=${agents} keyOf=${({ agentId }) => agentId} columns=${[
    { title: "Agent", cell: ({ agentId }) => html`<${AgentLink} agent=${agentId} />` },
    { title: "Question", kind: "main wide", cell: ({ nextQuestion }) => (nextQuestion ? html`<${Text}>${nextQuestion}<//>` : html`<span class="quiet">none: it has no question that was not asked within two weeks</span>`) },
  ]} />
<//>`;

/** The reasons for which slots of idle thinking were skipped; most of them say that there was work. */
const Skips = ({ agents }) => {
  const rows = agents.flatMap(({ agentId, skips = [] }) => skips.map((skip) => ({ agentId, ...skip })));
  return rows.length > 0 && html`<${Section} id="skips" title="Why it did not think">
    <${Table} label="Why it did not think" rows=${rows} keyOf=${({ agentId, reason }) => `${agentId} ${reason}`} columns=${[
      { title: "Agent", cell: ({ agentId }) => html`<${AgentLink} agent=${agentId} />` },
      { title: "Reason", kind: "main wide", cell: ({ reason }) => html`<${Text}>${reason}<//>` },
      { title: "Slots", kind: "number", cell: ({ slots }) => count(slots) },
    ]} />
  <//>`;
};
