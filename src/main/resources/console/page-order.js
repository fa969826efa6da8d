// One standing order: what it is for, what became of its slots, its next ones, and the acts on it.

import { duration, shortId } from "./format.js";
import { ask } from "./act.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { OrderHealth } from "./page-orders.js";
import { useRead } from "./reads.js";
import { address, setQuery, useName } from "./router.js";
import { ActButton, AgentLink, Answer, Choice, Facts, Fold, JobLink, Section, Table, Text, Time } from "./ui.js";
import { Json } from "./json.js";

const HOUR_MS = 3600000;
const STEP_MS = 300000;
const WINDOWS = [
  ["24", "a day"],
  ["168", "7 days"],
  ["720", "30 days"],
];
const STATUSES = ["", "completed", "no_work", "missed", "failed", "blocked", "skipped", "started"].map((status) => [
  status,
  status === "" ? "all" : status.replace("_", " "),
]);
const LIMIT = 200;

export default function OrderPage({ id, query }) {
  const read = useRead("getStandingOrder", { orderName: id }, ["orders"]);
  return html`<${Answer} read=${read} not="The order was not read">${(order) => html`<${Order} order=${order} query=${query} />`}<//>`;
}

function Order({ order, query }) {
  useName(order.order);
  return html`
    <p class="lead"><${OrderHealth} order=${order} /> <span class="title"><${Text}>${order.order}<//></span></p>
    <p class="next"><${Text}>${order.purpose}<//></p>
    ${order.disabledAt && html`<p class="next attention">Switched off by <${Text}>${order.disabledBy}<//> <${Time} at=${order.disabledAt} />: <${Text}>${order.disabledReason}<//></p>`}
    <${Acts} order=${order} />
    <${Facts} facts=${[
      ["Agent", html`<${AgentLink} agent=${order.agentId} />`],
      ["Schedule", html`<${Text}>${order.schedule}<//>`],
      ["Cron", html`<code>${order.cron}</code> ${order.zone}`],
      ["Next slots", order.nextFires && html`<ul class="plain">${order.nextFires.map((at) => html`<li key=${at}><${Time} at=${at} /></li>`)}</ul>`],
      ["A late slot", order.catchUp && (CATCH_UP[order.catchUp] ?? order.catchUp)],
      ["A slot during a run", order.overlap && (OVERLAP[order.overlap] ?? order.overlap)],
      ["Late after", order.graceSeconds !== undefined && duration(order.graceSeconds)],
      ["Pre-check", order.preCheck && html`<code>${order.preCheck}</code>`],
      ["Report", order.report && html`<code>${order.report}</code>`],
      ["Started by", order.startedBy === "external" && "a program outside the bus"],
      ["Removed", order.removedAt && html`<${Time} at=${order.removedAt} />`],
    ]} />
    <${Fold} title="Instructions to the agent" open=${query.instructions === "open"}
      onToggle=${(open) => setQuery({ instructions: open ? "open" : undefined })}>
      <pre class="block"><${Text} lines>${order.instructions}<//></pre>
    <//>
    <${History} order=${order} query=${query} />
  `;
}

const CATCH_UP = { skip: "is missed", latest: "runs if it is the newest", all: "runs, with the newest others" };
const OVERLAP = { skip: "is skipped", queue: "waits for its end", coalesce: "joins the next one" };

function Acts({ order }) {
  if (order.removedAt || order.enabled === false) {
    return html`<p class="quiet">The order is in no route file any more, so it cannot be run.</p>`;
  }
  const input = { orderName: order.order };
  const about = `${order.order}, ${order.schedule}, of ${order.agentId}`;
  return html`<div class="bar" role="toolbar" aria-label="Acts on this order" data-page-actions>
    <${ActButton} label="Run now" onClick=${() =>
      ask({
        title: "Run this order now",
        sentence: `This starts a run of ${about}, without its pre-check. Its slot is marked manual.`,
        operation: "runStandingOrder",
        input,
        audit: { table: "standing_order_runs" },
      })} />
    ${order.disabledAt
      ? html`<${ActButton} label="Switch on" onClick=${() =>
          ask({
            title: "Switch this order on",
            sentence: `Slots of ${about} run again. Slots that passed meanwhile stay skipped.`,
            operation: "enableStandingOrder",
            input,
            undo: () => ({ operation: "disableStandingOrder", input }),
            audit: { table: "standing_orders", rowId: order.order },
          })} />`
      : html`<${ActButton} label="Switch off" onClick=${() =>
          ask({
            title: "Switch this order off",
            sentence: `No slot of ${about} runs until somebody switches it on, also after a restart. A run under way goes on.`,
            operation: "disableStandingOrder",
            input,
            undo: () => ({ operation: "enableStandingOrder", input }),
            audit: { table: "standing_orders", rowId: order.order },
          })} />`}
  </div>`;
}

function History({ order, query }) {
  const hours = WINDOWS.some(([key]) => key === query.window) ? query.window : "24";
  const to = Math.ceil(Date.now() / STEP_MS) * STEP_MS;
  const runs = useRead(
    "listStandingOrderRuns",
    {
      order: order.order,
      status: query.status,
      from: new Date(to - Number(hours) * HOUR_MS).toISOString(),
      to: new Date(to).toISOString(),
      limit: LIMIT,
    },
    ["orders"],
  );
  return html`<${Section} title="History" id="history">
    <div class="tools">
      <${Choice} label="Window" value=${hours} options=${WINDOWS}
        onChange=${(window) => setQuery({ window: window === "24" ? undefined : window })} />
      <${Choice} label="Outcome" value=${query.status ?? ""} options=${STATUSES} onChange=${(status) => setQuery({ status })} />
    </div>
    ${query.run && html`<${Evidence} runId=${query.run} />`}
    <${Answer} read=${runs} not="The history was not read">
      ${(answer) =>
        answer.runs.length === 0
          ? html`<p>No slot of this window has this outcome.</p>`
          : html`<${Runs} runs=${answer.runs} query=${query} />
              ${answer.more && html`<p class="attention">These are the newest ${LIMIT}; choose a shorter window or an outcome for the others.</p>`}`}
    <//>
  <//>`;
}

const Runs = ({ runs, query }) =>
  html`<${Table} label="Slots" rows=${runs} keyOf=${({ runId }) => runId} rowClass=${({ runId }) => (runId === query.run ? "open" : undefined)}
    columns=${[
      { title: "Slot", kind: "main", cell: (run) =>
          html`<a data-open id=${`row-${run.runId}`} href=${address(["orders", run.order], { ...query, run: run.runId })}><${State} state=${run.status} /> <${Time} at=${run.scheduledFor} inRow /></a>` },
      { title: "Started", cell: (run) => startedOf(run) },
      { title: "Took", kind: "number", cell: ({ startedAt, finishedAt }) => startedAt && finishedAt && duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000) },
      { title: "What it says", kind: "wide", cell: ({ summary }) => html`<span class="clamp"><${Text}>${summary}<//></span>` },
      { title: "Job", cell: ({ jobId }) => jobId && html`<${JobLink} job=${jobId}><code class="whole">${shortId(jobId)}</code><//>` },
    ]} />`;

function startedOf({ startedAt, scheduledFor, triggerSource }) {
  if (!startedAt) {
    return html`<span class="quiet">–</span>`;
  }
  const late = (Date.parse(startedAt) - Date.parse(scheduledFor)) / 1000;
  const source = triggerSource === "schedule" ? "" : `, ${triggerSource.replace("_", " ")}`;
  return html`<span>${late < 1 ? "on time" : `${duration(late)} after`}${source}</span>`;
}

/** The whole summary and evidence of one slot. */
function Evidence({ runId }) {
  const read = useRead("getStandingOrderRun", { runId }, ["orders"]);
  return html`<aside class="panel" aria-label="Evidence of a slot">
    <button type="button" class="plain close" aria-label="Close the evidence" onClick=${() => setQuery({ run: undefined })}>✕</button>
    <${Answer} read=${read} not="The evidence was not read">
      ${({ run }) => html`
        <h3><${State} state=${run.status} /> <${Time} at=${run.scheduledFor} /></h3>
        <p><${Text} lines>${run.summary ?? "It has said nothing yet."}<//></p>
        ${run.evidence && html`<${Json} value=${run.evidence} label="Evidence" />`}
        ${run.jobId && html`<p>Its work is <${JobLink} job=${run.jobId}>job ${shortId(run.jobId)}<//>.</p>`}
      `}
    <//>
  </aside>`;
}
