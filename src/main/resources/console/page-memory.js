// One memory: what moves it next, the acts on it, its text, what it rests on, its versions, its reviews, and what came of the
// attempts that had it in their prompts.

import { ask } from "./act.js";
import { Author, Evidence } from "./evidence.js";
import { count, counted, sentence, words } from "./format.js";
import { html } from "./lib.js";
import { More, useList } from "./list.js";
import { State } from "./marks.js";
import { About, memoryIsOn, Readers, Trust, usesOf } from "./memories.js";
import { actsOnMemory } from "./memory-acts.js";
import { Reviews } from "./memory-reviews.js";
import { useRead } from "./reads.js";
import { address, useName } from "./router.js";
import { ActButton, AgentLink, Answer, Facts, Id, JobLink, Problem, Section, Table, Text, Time } from "./ui.js";

export default function MemoryPage({ id }) {
  const read = useRead("getMemory", { memoryId: id }, ["memories", "jobs"]);
  return html`<${Answer} read=${read} not="The memory was not read">${(row) => html`<${Whole} row=${row} />`}<//>`;
}

function Whole({ row }) {
  useName(row.title);
  const acts = actsOnMemory(row);
  return html`
    <p class="lead"><${State} state=${row.status} /> <span class="title"><${Text}>${row.title}<//></span></p>
    <p class="next"><${Next} row=${row} /></p>
    ${acts.length > 0 && html`<div class="bar" role="toolbar" aria-label="Acts on this memory" data-page-actions>
      ${acts.map((act) => html`<${ActButton} key=${act.label} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`)}
    </div>`}
    <${Section} id="memory" title="What the agents read">
      <p class="prose"><${Text} lines>${row.body}<//></p>
      <${Facts} facts=${[
        ["Kind", words(row.kind)],
        ["About", html`<${About} row=${row} />`],
        ["Read by", html`<${Readers} row=${row} />`],
        ["Confidence", `${row.confidenceScore} of 5, ${row.stability}`],
        ["Trust", row.trust === "untrusted" && html`<${Trust} row=${row} />: the prompt says so, and a person has promoted it`],
        ["Proposed by", html`<${Author} row=${row} />${row.candidateId && html`, <a href=${address(["memory-candidates", row.candidateId])}>the candidate</a>`}`],
        ["Promoted by", html`<${Text}>${row.promotedBy}<//>, <${Time} at=${row.createdAt} />`],
        ["Why", html`<${Text} lines>${sentence(row.notes)}<//>`],
        ["Confirmed", row.confirmedAt && html`<${Text}>${row.confirmedBy}<//>, <${Time} at=${row.confirmedAt} />`],
        ["Ends", row.status === "active" && row.expiresAt && html`<${Time} at=${row.expiresAt} />`],
        ["Id", html`<${Id} id=${row.memoryId} />`],
      ]} />
    <//>
    <${Section} id="seen" title="What was seen"><p class="prose"><${Text} lines>${row.evidence}<//></p><//>
    <${Evidence} title="Sources" entries=${row.sources} />
    <${Versions} row=${row} />
    <${Section} id="reviews" title="Reviews">
      ${row.reviews.length > 0 ? html`<${Reviews} rows=${row.reviews} />` : html`<p class="quiet">Nobody has asked for a look at it.</p>`}
    <//>
    <${Injections} row=${row} />
    <${Section} id="records" title="Records">
      <p class="records"><a href=${address(["audit"], { table: "memories", rowId: row.memoryId })}>Audit of this memory</a></p>
    <//>
  `;
}

/** What moves the memory next. */
function Next({ row }) {
  const { status, nextReviewAt, endedBy, endedAt, endReason, supersededBy } = row;
  const by = html` by <${Text}>${endedBy}<//>, <${Time} at=${endedAt} />`;
  const why = endReason && html`: <${Text}>${sentence(endReason)}<//>`;
  return {
    active: () => {
      const late = Date.parse(nextReviewAt) < Date.now();
      return html`${memoryIsOn() ? "It stands in the prompts of the jobs that it fits." : html`<span class="attention">Phase 4 of the bus is off, so no prompt has it.</span>`}${" "}
        <span class=${late ? "attention" : undefined}>${late ? "Its review is late: it was due" : "Its next review:"} <${Time} at=${nextReviewAt} />.</span>`;
    },
    superseded: () => html`Superseded${by}${why} <a href=${address(["memories", supersededBy])}>The memory in its place</a>.`,
    expired: () => html`Expired${by}${why} No prompt has it any more.`,
    wrong: () => html`Marked wrong${by}${why} No prompt has it any more.`,
  }[status]();
}

/** All versions of the memory, the newest first. */
const Versions = ({ row: { memoryId, versions } }) =>
  versions.length > 1 && html`<${Section} id="versions" title="Versions">
    <${Table} label="Versions" rows=${[...versions].reverse()} keyOf=${(each) => each.memoryId} rowClass=${(each) => (each.memoryId === memoryId ? "open" : undefined)} columns=${[
      { title: "Version", kind: "number", cell: ({ version }) => count(version) },
      { title: "Title", kind: "main wide", cell: (each) => html`${each.memoryId === memoryId ? html`<${Text}>${each.title}<//>` : html`<a data-open href=${address(["memories", each.memoryId])}><${Text}>${each.title}<//></a>`}` },
      { title: "Status", cell: ({ status }) => html`<${State} state=${status} />` },
      { title: "Promoted by", cell: ({ promotedBy }) => html`<${Text}>${promotedBy}<//>` },
      { title: "From", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
    ]} />
  <//>`;

/** The attempts whose prompt had it, the newest first, with what the agent said of it and how the attempt ended. */
function Injections({ row }) {
  const list = useList("listMemoryInjections", { memoryId: row.memoryId }, { field: "injections", idOf: ({ injectionId }) => injectionId, kinds: ["memories", "jobs"] });
  const { injected, used, irrelevant, wrong, helped, hurt } = usesOf(row);
  return html`<${Section} id="injections" title="In prompts" note="counted a minute after the attempt has ended">
    <${Facts} facts=${[
      ["Stood in", counted(injected, "prompt")],
      ["Agents said", `used ${count(used)}, irrelevant ${count(irrelevant)}, wrong ${count(wrong)}`],
      ["The attempts", `${count(helped)} succeeded with it, ${count(hurt)} failed`],
    ]} />
    <${Problem} problem=${list.read.problem} not="The prompts were not read" again=${list.read.again} />
    ${list.rows.length > 0
      ? html`<${Table} label="Prompts with this memory" rows=${list.rows} keyOf=${({ injectionId }) => injectionId} columns=${[
          { title: "Job", kind: "main", cell: ({ jobId }) => html`<${JobLink} job=${{ jobId }} open />` },
          { title: "Agent", cell: ({ agentId }) => html`<${AgentLink} agent=${agentId} />` },
          { title: "Place", kind: "number", cell: ({ rank }) => count(rank) },
          { title: "Because", cell: ({ bucket }) => BUCKETS[bucket] ?? bucket },
          { title: "Verdict", cell: ({ verdict }) => (verdict ? html`<${State} state=${verdict} />` : html`<span class="quiet">none</span>`) },
          { title: "Note", kind: "wide", cell: ({ verdictNote }) => html`<${Text}>${verdictNote}<//>` },
          { title: "Attempt", cell: ({ outcome }) => outcome && html`<${State} state=${outcome} />` },
          { title: "When", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
        ]} />`
      : list.read.answer && html`<p class="quiet">No prompt has had it yet.</p>`}
    <${More} list=${list} noun="prompt" />
  <//>`;
}

const BUCKETS = { exact: "a key of the job", role: "a lesson for the agent", global: "it holds for all" };
