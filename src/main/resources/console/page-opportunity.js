// One opportunity: what moves it next, the acts on it, why now, how its rank is made, what it rests on, who decided what, and
// what came of it.

import { ask } from "./act.js";
import { Author, Evidence } from "./evidence.js";
import { sentence, words } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { actsOnOpportunity } from "./proposal-acts.js";
import { laneIsOn, ThemeLink } from "./proposals.js";
import { useRead } from "./reads.js";
import { address, useName } from "./router.js";
import { ActButton, AgentLink, Answer, Facts, Id, JobLink, Section, Table, Text, Time } from "./ui.js";

export default function OpportunityPage({ id }) {
  const read = useRead("getOpportunity", { opportunityId: id }, ["proposals", "jobs"]);
  return html`<${Answer} read=${read} not="The opportunity was not read">${(row) => html`<${Whole} row=${row} />`}<//>`;
}

const Whole = ({ row }) => {
  useName(row.title);
  const acts = actsOnOpportunity(row);
  return html`
    <p class="lead"><${State} state=${row.status} word=${row.status === "converted_to_job" ? "converted to a job" : undefined} /> <span class="title"><${Text}>${row.title}<//></span></p>
    <p class="next"><${Next} row=${row} /></p>
    ${acts.length > 0 && html`<div class="bar" role="toolbar" aria-label="Acts on this opportunity" data-page-actions>
      ${acts.map((act) => html`<${ActButton} key=${act.label} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`)}
    </div>`}
    <${Section} id="proposal" title="What is proposed, and why">
      <${Facts} facts=${[
        ["Why now", html`<${Text} lines>${row.whyNow}<//>`],
        ["If nothing is done", html`<${Text} lines>${row.ifNothing}<//>`],
        ["Smallest next step", html`<${Text} lines>${row.suggestedNextStep}<//>`],
        ["Owner", html`<${AgentLink} agent=${row.ownerCandidate} />`],
        ["Theme", html`<${ThemeLink} page="opportunities" theme=${row.theme} />`],
        ["Proposed by", html`<${Author} row=${row} />, <${Time} at=${row.createdAt} />`],
        ["From the idea", row.idea && html`<a href=${address(["ideas", row.idea.ideaId])}><${Text}>${row.idea.title}<//></a>`],
        ["Dedupe key", row.dedupeKey && html`<${Text}>${row.dedupeKey}<//>`],
        ["Id", html`<${Id} id=${row.opportunityId} />`],
      ]} />
    <//>
    ${row.cameOf && html`<${CameOf} job=${row.cameOf} />`}
    <${Rank} row=${row} />
    <${Evidence} entries=${row.evidence} />
    <${Reviews} rows=${row.reviews} />
    <${Section} id="records" title="Records">
      <p class="records"><a href=${address(["audit"], { table: "opportunities", rowId: row.opportunityId })}>Audit of this opportunity</a></p>
    <//>
  `;
};

/** What moves the opportunity next. */
function Next({ row }) {
  const { status, decidedBy, decidedAt, parkedUntil, mergedInto, cameOf } = row;
  const by = decidedBy && html` by <${Text}>${decidedBy}<//>, <${Time} at=${decidedAt} />`;
  const off = !laneIsOn() && html` <span class="attention">Phase 3 of the bus is off, so nobody can decide.</span>`;
  return {
    new: () => html`Nobody has looked at it yet: the project-tracker triages it, or a person decides.${off}`,
    triaged: () => html`Triaged${by}. It waits for the coordinator or a person to decide.${off}`,
    accepted: () => html`Accepted${by}. It waits to be made a job.${off}`,
    parked: () => html`Parked${by}, until <${Time} at=${parkedUntil} />; then the bus triages it again.`,
    rejected: () => html`Rejected${by}. Nothing moves it any more.`,
    merged: () => html`Merged${by}, into <a href=${address(["opportunities", mergedInto])}>another opportunity</a>, which has its evidence.`,
    converted_to_job: () => html`Converted${by}. ${OUTCOMES[cameOf?.outcome] ?? ""}`,
  }[status]();
}

const OUTCOMES = {
  open: "Its job has not ended yet.",
  hit: "Its job has succeeded.",
  miss: "Its job came to nothing.",
  unknown: "Its job is in no table any more, so what came of it is not known.",
};

const CameOf = ({ job }) => html`<${Section} id="came-of" title="What came of it">
  <${Facts} facts=${[
    ["Job", html`<${JobLink} job=${job} />`],
    ["State", job.state && html`<${State} state=${job.state} />`],
    ["Agent", job.targetAgent && html`<${AgentLink} agent=${job.targetAgent} />`],
    ["Ended", job.endedAt && html`<${Time} at=${job.endedAt} />`],
    ["Summary", job.summary && html`<${Text} lines>${job.summary}<//>`],
    ["Last error", job.lastError && html`<span class="trouble"><${Text} lines>${job.lastError}<//></span>`],
  ]} />
<//>`;

const REVERSIBILITY = { high: "easily", medium: "with some work", low: "hardly" };

/** The rank as the product of its parts, each with what it comes from. */
function Rank({ row: { rank, rankParts: parts, urgencyScore, reversibility, sourceAgent } }) {
  const factors = [
    { part: "Impact", factor: parts.impact, from: "how much it changes, 1 to 5" },
    { part: "Confidence", factor: parts.confidence, from: "how sure the author is, 1 to 5" },
    { part: "Urgency", factor: parts.urgencyFactor, from: `urgency ${urgencyScore} of 5${Number(urgencyScore) === 5 ? ": told to people at once" : ""}` },
    { part: "Reversibility", factor: parts.reversibilityFactor, from: `${words(reversibility)}: the step is ${REVERSIBILITY[reversibility]} undone` },
    { part: "Author", factor: parts.authorFactor, from: `what became of the proposals of ${sourceAgent}; 1 until enough are decided` },
  ];
  return html`<${Section} id="rank" title=${`Rank ${Number(rank).toFixed(2)}`} note="the product of these parts">
    <${Table} label="Parts of the rank" rows=${factors} keyOf=${({ part }) => part} columns=${[
      { title: "Part", kind: "main", cell: ({ part }) => part },
      { title: "Factor", kind: "number", cell: ({ factor }) => String(Number(factor)) },
      { title: "From", kind: "wide", cell: ({ from }) => html`<${Text}>${from}<//>` },
    ]} />
  <//>`;
}

const Reviews = ({ rows }) => html`<${Section} id="reviews" title="Reviews">
  ${rows.length === 0
    ? html`<p class="quiet">Nobody has decided anything yet.</p>`
    : html`<ol class="timeline">
        ${rows.map(
          ({ reviewId, createdAt, decision, reviewer, until, notes }) => html`<li key=${reviewId}>
            <span class="when"><${Time} at=${createdAt} /></span>
            <div>
              <p><${State} state=${decision} /> <span class="quiet">by <${Text}>${reviewer}<//>${until && html`, until <${Time} at=${until} />`}</span></p>
              <p><${Text} lines>${sentence(notes)}<//></p>
            </div>
          </li>`,
        )}
      </ol>`}
<//>`;
