// One candidate: what moves it next, the acts on it, its text, what stands in the way of its promotion, and what it rests on.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { Author, Evidence } from "./evidence.js";
import { sentence, shortId, words } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { About, memoryIsOn, Readers, Sides } from "./memories.js";
import { actsOnCandidate, settle, sidesOf } from "./memory-acts.js";
import { useRead } from "./reads.js";
import { address, go, useName } from "./router.js";
import { ActButton, Answer, Facts, Id, Section, Text, Time, Words } from "./ui.js";

export default function CandidatePage({ id }) {
  const read = useRead("getMemoryCandidate", { candidateId: id }, ["memories"]);
  return html`<${Answer} read=${read} not="The candidate was not read">${(row) => html`<${Whole} row=${row} />`}<//>`;
}

const toMemory = ({ memory }) => go(address(["memories", memory.memoryId]));

function Whole({ row }) {
  useName(row.title);
  const acts = actsOnCandidate(row, toMemory);
  return html`
    <p class="lead"><${State} state=${row.status} /> <span class="title"><${Text}>${row.title}<//></span></p>
    <p class="next"><${Next} row=${row} /></p>
    ${acts.length > 0 && html`<div class="bar" role="toolbar" aria-label="Acts on this candidate" data-page-actions>
      ${acts.map((act) => html`<${ActButton} key=${act.label} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`)}
    </div>`}
    <${Section} id="candidate" title="What the agents would read">
      <p class="prose"><${Text} lines>${row.body}<//></p>
      <${Facts} facts=${[
        ["Kind", words(row.kind)],
        ["About", html`<${About} row=${row} page="memory-candidates" />`],
        ["Read by", html`<${Readers} row=${row} />`],
        ["Confidence", `${row.confidenceScore} of 5, ${row.stability}`],
        ["Replaces", row.supersedesMemoryId && html`<a href=${address(["memories", row.supersedesMemoryId])}>a memory</a>`],
        ["Proposed by", html`<${Author} row=${row} />, <${Time} at=${row.createdAt} />`],
        ["Dedupe key", row.dedupeKey && html`<${Text}>${row.dedupeKey}<//>`],
        ["Id", html`<${Id} id=${row.candidateId} />`],
      ]} />
    <//>
    <${Doubts} row=${row} />
    <${Conflicts} row=${row} />
    <${Section} id="seen" title="What was seen"><p class="prose"><${Text} lines>${row.evidence}<//></p><//>
    <${Evidence} title="Sources" entries=${row.sourceRefs ?? []} />
    <${Section} id="records" title="Records">
      <p class="records"><a href=${address(["audit"], { table: "memory_candidates", rowId: row.candidateId })}>Audit of this candidate</a></p>
    <//>
  `;
}

/** What moves the candidate next. */
function Next({ row: { status, decidedBy, decidedAt, endedAt, notes, memoryId } }) {
  const by = html` by <${Text}>${decidedBy}<//>, <${Time} at=${decidedAt} />${notes && html`: <${Text}>${sentence(notes)}<//>`}`;
  return {
    new: () => html`It waits for a curator or a person; no prompt has it.${!memoryIsOn() && html` <span class="attention">Phase 4 of the bus is off, so nobody can promote it.</span>`}`,
    promoted: () => html`Promoted${by} It became <a href=${address(["memories", memoryId])}>a memory</a>.`,
    rejected: () => html`Rejected${by} Nothing moves it any more.`,
    expired: () => html`Expired <${Time} at=${endedAt} />, because nobody decided in time. Nothing moves it any more.`,
  }[status]();
}

/** What the bus has found out about it: where its sources come from, what it repeats, and what says nearly the same. */
function Doubts({ row }) {
  const overlap = Math.round(Number(row.overlap) * 100);
  const alike = row.alike ?? [];
  return html`<${Section} id="doubts" title="What stands in the way">
    <${Facts} facts=${[
      ...(row.gates ?? []).map(({ gate, says, expected }) => [`Gate ${gate}`, html`<span class="attention"><${Words}>${sentence(says)}<//></span> <${Words}>${`It needs ${expected}.`}<//>`]),
      row.gates?.length === 0 && ["Gates", "It passes those of author, trust, confidence and evidence."],
      ["Trust", row.trust === "untrusted"
        ? html`<span class="attention">from outside: <${Text}>${sentence(row.trustReason)}<//> Only a person can promote it.</span>`
        : "its sources are of the fleet itself"],
      ["Repeats", overlap === 0 ? "nothing that its author was told" : `${overlap} % of its words stood in a memory in its author's prompt`],
      ["Says the same", alike.length === 0 ? "nothing that is known" : html`<ul class="plain entries">${alike.map((entry) => html`<${Alike} key=${entry.id} entry=${entry} />`)}</ul>`],
    ].filter(Boolean)} />
  <//>`;
}

/** Something that says nearly the same, with its text. */
function Alike({ entry: { kind, id, similarity } }) {
  const [operation, name, page] = kind === "memory" ? ["getMemory", "memoryId", "memories"] : ["getMemoryCandidate", "candidateId", "memory-candidates"];
  const row = useRead(operation, { [name]: id }, ["memories"]).answer;
  return html`<li>
    <a href=${address([page, id])}>${row ? html`<${Text}>${row.title}<//>` : shortId(id)}</a>
    <span class="quiet"> ${kind}, ${Math.round(similarity * 100)} % alike${row && html`, <${State} state=${row.status} />`}</span>
    ${row && html`<p class="quiet clamp"><${Text}>${row.body}<//></p>`}
  </li>`;
}

/** The memories that say otherwise, beside the candidate, and the act that settles it. */
function Conflicts({ row }) {
  const reviews = useRead("listMemoryReviews", { candidateId: row.candidateId, kind: "conflict" }, ["memories"]).answer?.reviews ?? [];
  const memories = reviews.map(({ memoryId, memory }) => ({ ...memory, memoryId }));
  return memories.length > 0 && html`<${Section} id="conflict" title="A memory says otherwise" note="an agent would read both texts and could follow only one">
    <${Sides} texts=${sidesOf(row, memories)} />
    ${row.status === "new" && mayAct() && memoryIsOn() &&
    html`<div class="actions"><${ActButton} label="Settle it" onClick=${() => settle(row, memories, {}, toMemory)} /></div>`}
  <//>`;
}
