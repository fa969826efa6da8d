// The opportunities: the waiting ones by their rank, the others by their arrival.

import { count } from "./format.js";
import { html } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { State } from "./marks.js";
import { Kinds, Off, ProposalFilter, ThemeLink } from "./proposals.js";
import { address, setQuery } from "./router.js";
import { Choice, JobLink, Problem, Table, Text, Time } from "./ui.js";

const WAITING = "new,triaged,accepted";
const STATUSES = [
  ["", "waiting"],
  ["parked", "parked"],
  ["converted_to_job", "converted"],
  ["rejected", "rejected"],
  ["merged", "merged"],
  [`${WAITING},parked,converted_to_job,rejected,merged`, "all"],
];
const ORDERS = [
  ["rank", "by rank"],
  ["newest", "newest first"],
];
const FIELDS = [
  { name: "theme", label: "Theme" },
  { name: "sourceAgent", label: "Proposed by", agents: true },
  { name: "ownerCandidate", label: "Owner", agents: true },
];

/** Those that are open are compared with each other, so their rank comes first. */
const usualOrder = (status) => (status === undefined || status === WAITING || status === "parked" ? "rank" : "newest");

export default function OpportunitiesPage({ query }) {
  const { status, theme, sourceAgent, ownerCandidate } = query;
  const order = query.order ?? usualOrder(status);
  const list = useList(
    "listOpportunities",
    { status, theme, sourceAgent, ownerCandidate, order },
    { field: "opportunities", idOf: ({ opportunityId }) => opportunityId, kinds: ["proposals"], ranked: order === "rank" },
  );
  return html`
    <div class="tools">
      <${Kinds} shown="opportunities" />
      <${Choice} label="Status" value=${status ?? ""} options=${STATUSES} onChange=${(next) => setQuery({ status: next, order: undefined })} />
      <${Choice} label="Order" value=${order} options=${ORDERS} onChange=${(next) => setQuery({ order: next === usualOrder(status) ? undefined : next })} />
    </div>
    <${Off} />
    <${ProposalFilter} query=${query} fields=${FIELDS} key=${FIELDS.map(({ name }) => query[name]).join("|")} />
    <${Problem} problem=${list.read.problem} not="The opportunities were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="opportunity" />
    ${list.rows.length > 0
      ? html`<${Opportunities} rows=${list.rows} />`
      : list.read.answer && html`<p>${FIELDS.some(({ name }) => query[name]) ? "No opportunity matches." : status ? `No opportunity is ${STATUSES.find(([each]) => each === status)?.[1] ?? "like this"}.` : "No opportunity is waiting."}</p>`}
    <${More} list=${list} noun="opportunity" older=${order === "rank" ? "further" : "older"} />
  `;
}

const Opportunities = ({ rows }) =>
  html`<${Table} label="Opportunities" rows=${rows} keyOf=${({ opportunityId }) => opportunityId}
    columns=${[
      { title: "Rank", kind: "number", cell: ({ rank }) => Number(rank).toFixed(1) },
      { title: "Opportunity", kind: "main wide", cell: ({ opportunityId, title }) =>
          html`<a data-open id=${`row-${opportunityId}`} href=${address(["opportunities", opportunityId])}><span class="clamp"><${Text}>${title}<//></span></a>` },
      { title: "Status", cell: (row) => html`<${Status} row=${row} />` },
      { title: "Impact", kind: "number", cell: ({ impactScore }) => count(impactScore) },
      { title: "Confidence", kind: "number", cell: ({ confidenceScore }) => count(confidenceScore) },
      { title: "Urgency", kind: "number", cell: ({ urgencyScore }) => html`<span class=${Number(urgencyScore) === 5 ? "attention" : undefined}>${count(urgencyScore)}</span>` },
      { title: "Theme", cell: ({ theme }) => html`<${ThemeLink} page="opportunities" theme=${theme} />` },
      { title: "By", cell: ({ sourceAgent }) => html`<${Text}>${sourceAgent}<//>` },
      { title: "Owner", cell: ({ ownerCandidate }) => html`<${Text}>${ownerCandidate}<//>` },
      { title: "Proposed", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
    ]} />`;

/** The status, with where it leads: the date of a parked one, the job of a converted one. */
function Status({ row: { status, parkedUntil, convertedJobId } }) {
  if (convertedJobId) {
    return html`<${JobLink} job=${convertedJobId}><${State} state=${status} word="converted" /><//>`;
  }
  return html`<${State} state=${status} />${parkedUntil && html`, <${Time} at=${parkedUntil} inRow />`}`;
}
