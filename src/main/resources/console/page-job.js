// One job: its state and what moves it next, who asked for it, its timeline, its result, its prompts, its flow and its audit.

import { ask } from "./act.js";
import { actsFor } from "./acts.js";
import { mayAct } from "./api.js";
import { Attempts } from "./job-attempts.js";
import { Timeline } from "./job-timeline.js";
import { jobsWhere } from "./filter.js";
import { bytes, sentence, shortId } from "./format.js";
import { Flow } from "./graph.js";
import { Json } from "./json.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { useRead } from "./reads.js";
import { address, setQuery, useName } from "./router.js";
import { ActButton, AgentLink, Answer, Facts, Fold, Id, JobLink, Section, Table, Text, Time, Words } from "./ui.js";

const ENDED = ["succeeded", "failed", "cancelled"];
/** Chosen: a job has a few steps; the audit page has the rest. */
const AUDIT_ROWS = 200;

export default function Job({ id, query }) {
  const read = useRead("getJob", { jobId: id }, ["jobs"]);
  return html`<${Answer} read=${read} not=${`Job ${id} was not read`}>
    ${(job) => html`<${Whole} job=${job} query=${query} />`}
  <//>`;
}

function Whole({ job, query }) {
  const { jobId } = job;
  useName(job.subject, `for ${job.targetAgent}`, shortId(jobId));
  const audit = useRead("listAudit", { jobId, limit: AUDIT_ROWS }, ["jobs", "audit"]);
  const questions = useRead("listQuestions", { jobId }, ["questions", "jobs"]);
  const flow = useRead("getFlow", { jobId }, ["jobs"]);
  return html`
    <${Head} job=${job} questions=${questions.answer?.questions} />
    <${Who} job=${job} asker=${audit.answer?.next === undefined && audit.answer?.rows.at(-1)?.actor} />
    <${Section} id="timeline" title="Timeline"><${Timeline} job=${job} rows=${audit.answer?.rows} questions=${questions.answer?.questions} /><//>
    <${Outcome} job=${job} />
    <${Section} id="payload" title="Payload" note=${job.trust === "untrusted" ? "from outside: read it as data" : undefined}><${Json} value=${job.payload} label="Payload" /><//>
    <${Section} id="attempts" title="Attempts"><${Attempts} job=${job} open=${query.attempt} /><//>
    ${flow.answer?.nodes.length > 1 && html`<${Section} id="flow" title="Flow" note=${job.flowKey}><${Flow} flow=${flow.answer} jobId=${jobId} /><//>`}
    ${job.dependencies.length > 0 && !flow.answer && html`<${Section} id="dependencies" title="Waits for"><${Dependencies} rows=${job.dependencies} /><//>`}
    <${Section} id="records" title="Records">
      <${Fold} title="Events" note=${String(job.events.length)} open=${query.events === "open"}
        onToggle=${(open) => setQuery({ events: open && "open" })}><${Events} events=${job.events} /><//>
      <${Fold} title="Audit rows" note=${audit.answer && String(audit.answer.rows.length)} open=${query.audit === "open"}
        onToggle=${(open) => setQuery({ audit: open && "open" })}>
        <${Answer} read=${audit} not="The audit rows were not read">${(answer) => html`<${AuditRows} rows=${answer.rows} />`}<//>
      <//>
      <p class="records"><a href=${address(["events"], { sourceJobId: jobId })}>Events of this job</a> <a href=${address(["audit"], { jobId })}>Audit of this job</a></p>
    <//>
  `;
}

/** State, what moves the job next, and the acts that fit. The bar stays in view. */
function Head({ job, questions }) {
  const open = questions?.filter(({ status }) => status === "open") ?? [];
  const acts = actsFor(job).filter(({ operation }) => operation !== "unblockJob" || open.length === 0);
  return html`
    <p class="lead"><${State} state=${job.state} /> <span class="title"><${Text}>${job.subject}<//></span></p>
    <p class="next"><${Words}>${nextOf(job)}<//></p>
    ${open.map(({ questionId, question }) => html`<p key=${questionId} class="next">
      <a class="attention" href=${address(["questions", questionId])}>Answer: <${Text}>${question}<//></a></p>`)}
    ${job.status?.line && ["leased", "running"].includes(job.state) && html`<${Progress} status=${job.status} />`}
    ${mayAct() && acts.length > 0 && html`<div class="bar" role="toolbar" aria-label="Acts on this job" data-page-actions>
      ${acts.map((act) => html`<${ActButton} key=${act.operation} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`)}
    </div>`}
  `;
}

/** What moves the job next, as a sentence. */
function nextOf({ state, nextMove, targetAgent, blockedReason, summary, lastError, retiredAt }) {
  const next = {
    waiting: () => `Waits: ${nextMove}`,
    queued: () => (nextMove ? `Waits for its start: ${nextMove}` : `Due now: a dispatcher hands it to ${targetAgent} next`),
    leased: () => `Handed to ${targetAgent}; it has not begun yet: ${nextMove}`,
    running: () => `At work: ${nextMove}`,
    blocked: () => `${sentence(blockedReason)} ${nextMove ? `It waits for ${nextMove}` : ""}`,
    dead: () => `Its attempts are used up, so only an operator moves it on: ${lastError ?? nextMove}`,
    failed: () => `Failed for good: ${lastError ?? ""}`,
    succeeded: () => summary ?? "Nothing moves it any more: it has succeeded",
    cancelled: () => "Nothing moves it any more: it was cancelled",
  }[state]();
  // The run of a job that has just ended may go on, and then holds up the next job of its agent.
  const run = ENDED.includes(state) && nextMove ? ` ${sentence(nextMove)}` : "";
  return sentence(next) + run + (retiredAt ? " It is in history and can only be read." : "");
}

const Progress = ({ status: { percent, line, at } }) => html`<div class="progress">
  ${percent !== undefined && html`<progress max="100" value=${Number(percent)} aria-label=${`${percent} percent done`}></progress>`}
  <p>${percent !== undefined && `${percent}% · `}<${Text}>${line}<//> <span class="quiet">said <${Time} at=${at} /></span></p>
</div>`;

const Who = ({ job, asker }) => html`<${Section} id="who" title="Who asked, and for what">
  <${Facts} facts=${[
    ["Asked by", job.sourceAgent ? html`<${AgentLink} agent=${job.sourceAgent} />` : asker && html`<${Text}>${asker}<//>`],
    ["For", html`<${AgentLink} agent=${job.targetAgent} />`],
    ["Part of", job.parentJobId && html`<${JobLink} job=${job.parentJobId}>the job <${Id} id=${job.parentJobId} /><//>`],
    ["Flow", job.flowKey && html`<a href=${jobsWhere({ flowKey: job.flowKey })}><${Text}>${job.flowKey}<//></a>`],
    ["Correlation key", job.correlationKey && html`<a href=${jobsWhere({ correlationKey: job.correlationKey })}><${Text}>${job.correlationKey}<//></a>`],
    ["Type, priority", `${job.jobType}, ${job.priority}`],
    ["Attempts", `${job.attemptCount ?? 0} of ${job.maxAttempts}${job.redrives > 0 ? `, redriven ${job.redrives} times` : ""}`],
    ["Created", html`<${Time} at=${job.createdAt} />`],
    // The runAfter of an idle job is the time at which it is given up.
    ["Not before", !job.idle && Date.parse(job.runAfter) > Date.parse(job.createdAt) && html`<${Time} at=${job.runAfter} />`],
    ["Ended", ENDED.includes(job.state) && html`<${Time} at=${job.endedAt} />`],
    ["Question", job.idle && html`<${Text}>${job.idle.question}<//>`],
    ["Stopped", job.idle?.stopAskedAt && html`<${Words}>${sentence(job.idle.stopReason)}<//> <${Time} at=${job.idle.stopAskedAt} />`],
    ["Dedupe key", job.dedupeKey && html`<${Text}>${job.dedupeKey}<//>`],
    ["Answer", job.answer && html`<${Text} lines>${job.answer}<//> <span class="quiet">by <${Text}>${job.answeredBy}<//></span>`],
    ["Id", html`<${Id} id=${job.jobId} />`],
  ]} />
<//>`;

/** Summary, result, evidence and the last error, as far as there are any. */
function Outcome({ job }) {
  if (!job.summary && job.result === undefined && job.evidence === undefined && !job.lastError) {
    return null;
  }
  return html`<${Section} id="outcome" title="Result and evidence" note=${job.outcome?.replace("_", " ")}>
    ${job.summary && html`<p><${Text} lines>${job.summary}<//></p>`}
    ${job.lastError && html`<p class=${ENDED.includes(job.state) ? "quiet" : "trouble"}>Last error: <${Text} lines>${job.lastError}<//></p>`}
    ${job.result !== undefined && html`<h3>Result</h3><${Json} value=${job.result} label="Result" />`}
    ${job.evidence !== undefined && html`<h3>Evidence</h3><${Json} value=${job.evidence} label="Evidence" />`}
  <//>`;
}

const Dependencies = ({ rows }) => html`<${Table} label="Waits for" rows=${rows} keyOf=${({ dependsOn }) => dependsOn} columns=${[
  { title: "State", cell: ({ state }) => html`<${State} state=${state} />` },
  { title: "Subject", kind: "main", cell: ({ dependsOn, subject }) => html`<${JobLink} job=${{ jobId: dependsOn, subject }} />` },
  { title: "Met", cell: ({ satisfiedAt, waivedAt }) => html`<${Time} at=${satisfiedAt ?? waivedAt} inRow />` },
]} />`;

const Events = ({ events }) => html`<${Table} label="Events" rows=${events} keyOf=${({ eventId }) => eventId} columns=${[
  { title: "At", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
  { title: "Topic", kind: "main", cell: ({ topic }) => html`<${Text}>${topic}<//>` },
  { title: "Payload", kind: "wide", cell: ({ payload, payloadBytes }) => (payload ? html`<${Json} value=${payload} label="Payload" />` : bytes(payloadBytes)) },
]} />`;

const AuditRows = ({ rows }) => html`<${Table} label="Audit rows" rows=${rows} keyOf=${({ auditId }) => String(auditId)} columns=${[
  { title: "At", cell: ({ at }) => html`<${Time} at=${at} inRow />` },
  { title: "Action", kind: "main", cell: ({ action }) => html`<${Text}>${action}<//>` },
  { title: "By", cell: ({ actor }) => html`<${Text}>${actor}<//>` },
  { title: "Why", kind: "wide", cell: ({ why }) => html`<${Text}>${why}<//>` },
]} />`;
