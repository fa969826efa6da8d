// The questions, reviews and approvals of the agents: the open ones first.

import { html } from "./lib.js";
import { More, useList } from "./list.js";
import { State } from "./marks.js";
import { address, setQuery } from "./router.js";
import { AgentLink, Choice, JobLink, Problem, Table, Text, Time } from "./ui.js";

const STATUSES = ["open", "answered", "expired", "withdrawn"].map((status) => [status, status]);

export default function QuestionsPage({ query }) {
  const status = query.status ?? "open";
  const list = useList("listQuestions", { status }, { field: "questions", idOf: ({ questionId }) => questionId, kinds: ["questions"] });
  return html`
    <div class="tools">
      <${Choice} label="Status" value=${status} options=${STATUSES} onChange=${(next) => setQuery({ status: next === "open" ? undefined : next })} />
    </div>
    <${Problem} problem=${list.read.problem} not="The questions were not read" again=${list.read.again} />
    ${list.rows.length > 0
      ? html`<${Questions} rows=${list.rows} />`
      : list.read.answer && html`<p>No question is ${status}.</p>`}
    <${More} list=${list} noun="question" />
  `;
}

const Questions = ({ rows }) =>
  html`<${Table} label="Questions" rows=${rows} keyOf=${({ questionId }) => questionId}
    columns=${[
      { title: "Question", kind: "main wide", cell: ({ questionId, question }) => html`<a data-open id=${`row-${questionId}`} href=${address(["questions", questionId])}><span class="clamp"><${Text}>${question}<//></span></a>` },
      { title: "Status", cell: ({ status, kind }) => html`<${State} state=${status} word=${`${kind} ${status}`} />` },
      { title: "By", cell: ({ agentId, askedBy }) => (agentId ? html`<${AgentLink} agent=${agentId} />` : html`<${Text}>${askedBy}<//>`) },
      { title: "Asked", cell: ({ askedAt }) => html`<${Time} at=${askedAt} inRow />` },
      { title: "Deadline", cell: ({ deadline }) => html`<${Time} at=${deadline} inRow />` },
      { title: "Job", cell: ({ jobId, subject }) => jobId && html`<${JobLink} job=${{ jobId, subject }} />` },
    ]} />`;
