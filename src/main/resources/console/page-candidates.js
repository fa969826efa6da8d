// The candidates: what agents and people think the fleet should remember. Those that wait are the queue of the curator.

import { count, counted, words } from "./format.js";
import { html } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { State } from "./marks.js";
import { About, Freeze, Lane, memoryIsOn, Named, Readers, Trust, Views } from "./memories.js";
import { ProposalFilter } from "./proposals.js";
import { setQuery } from "./router.js";
import { Choice, Problem, Table, Text, Time } from "./ui.js";

const STATUSES = [
  ["", "waiting"],
  ["promoted", "promoted"],
  ["rejected", "rejected"],
  ["expired", "expired"],
  ["new,promoted,rejected,expired", "all"],
];
const FIELDS = [
  { name: "sourceAgent", label: "Proposed by", agents: true },
  { name: "scope", label: "About" },
  { name: "subjectKey", label: "Its name" },
];

export default function CandidatesPage({ query }) {
  const { status, sourceAgent, scope, subjectKey } = query;
  const list = useList("listMemoryCandidates", { status: status ?? "new", sourceAgent, scope, subjectKey }, { field: "candidates", idOf: ({ candidateId }) => candidateId, kinds: ["memories"] });
  return html`
    <div class="tools">
      <${Views} />
      <${Choice} label="Status" value=${status ?? ""} options=${STATUSES} onChange=${(next) => setQuery({ status: next })} />
      <${Freeze} />
    </div>
    <${Lane} />
    <${ProposalFilter} query=${query} fields=${FIELDS} key=${FIELDS.map(({ name }) => query[name]).join("|")} />
    <${Problem} problem=${list.read.problem} not="The candidates were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="candidate" />
    ${list.rows.length > 0 ? html`<${Candidates} rows=${list.rows} />` : list.read.answer && html`<${None} status=${status} filtered=${FIELDS.some(({ name }) => query[name])} />`}
    <${More} list=${list} noun="candidate" />
  `;
}

const None = ({ status, filtered }) =>
  filtered || status
    ? html`<p>${filtered ? "No candidate matches." : `No candidate is ${STATUSES.find(([each]) => each === status)?.[1] ?? "like this"}.`}</p>`
    : html`<p class="lead">No candidate is waiting.</p>
        <p class="quiet">${memoryIsOn() ? "Agents propose one when they learn something that the next job needs; nobody is shown it in a prompt before it is promoted." : "Agents propose them from phase 4 on."}</p>`;

const Candidates = ({ rows }) =>
  html`<${Table} label="Candidates" rows=${rows} keyOf=${({ candidateId }) => candidateId}
    columns=${[
      { title: "Candidate", kind: "main wide", cell: (row) => html`<${Named} page="memory-candidates" id=${row.candidateId} row=${row} />` },
      { title: "Status", cell: ({ status }) => html`<${State} state=${status} />` },
      { title: "Stands in the way", cell: (row) => html`<${Doubts} row=${row} />` },
      { title: "Kind", cell: ({ kind }) => words(kind) },
      { title: "About", cell: (row) => html`<${About} row=${row} page="memory-candidates" />` },
      { title: "Read by", cell: (row) => html`<${Readers} row=${row} />` },
      { title: "Confidence", kind: "number", cell: ({ confidenceScore }) => count(confidenceScore) },
      { title: "By", cell: ({ sourceAgent }) => html`<${Text}>${sourceAgent}<//>` },
      { title: "Proposed", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
    ]} />`;

/** What tells against a promotion: where it comes from, what it repeats, and the gates that refuse it. */
function Doubts({ row }) {
  const doubts = [
    row.trust === "untrusted" && html`<${Trust} row=${row} />`,
    Number(row.overlap) > 0 && `repeats ${Math.round(row.overlap * 100)} % of a memory`,
    Number(row.alikeCount) > 0 && `like ${counted(row.alikeCount, "other")}`,
    ...(row.gates ?? []).map(({ gate, says, expected }) => html`<span class="attention" title=${`${says}; ${expected}`}>${gate}</span>`),
  ].filter(Boolean);
  return doubts.length === 0 ? html`<span class="quiet">–</span>` : doubts.map((doubt, index) => html`${index > 0 && ", "}${doubt}`);
}
