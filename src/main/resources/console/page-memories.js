// The memories: the active ones, those that have ended, and a search for words in the active ones.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { clockTime, count, words } from "./format.js";
import { html, useState } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { State } from "./marks.js";
import { About, choices, Freeze, KINDS, Lane, Named, Readers, SCOPES, Trust, usedOf, Views } from "./memories.js";
import { expireAll } from "./memory-acts.js";
import { useRead } from "./reads.js";
import { setQuery } from "./router.js";
import { ActButton, Answer, Choice, Problem, Table, Text, Time } from "./ui.js";

const STATUSES = [
  ["", "active"],
  ["superseded", "superseded"],
  ["expired", "expired"],
  ["wrong", "wrong"],
  ["active,superseded,expired,wrong", "all"],
];
/** The fields of the filter: the name in the contract, the label, and the values of a field that has few, or time. */
const FIELDS = [
  ["kind", "Kind", KINDS],
  ["scope", "About", SCOPES],
  ["subjectKey", "Its name"],
  ["sourceAgent", "Proposed by"],
  ["promotedBy", "Promoted by"],
  ["trust", "Trust", ["trusted", "untrusted"]],
  ["createdFrom", "Promoted from", "time"],
  ["createdTo", "Promoted before", "time"],
];

export default function MemoriesPage({ query }) {
  return html`
    <div class="tools">
      <${Views} />
      ${!query.words && html`<${Choice} label="Status" value=${query.status ?? ""} options=${STATUSES} onChange=${(status) => setQuery({ status })} />`}
      <${Freeze} />
    </div>
    <${Lane} />
    <${Search} query=${query} key=${query.words} />
    ${query.words ? html`<${Found} text=${query.words} />` : html`<${Listed} query=${query} />`}
  `;
}

/** The box that searches as an agent does with search-memories. */
function Search({ query }) {
  const [text, setText] = useState(query.words ?? "");
  const submit = (event) => {
    event.preventDefault();
    setQuery({ words: text.trim() });
  };
  return html`<form class="fields" role="search" onSubmit=${submit}>
    <label class="field"><span>Search the active memories</span>
      <input value=${text} maxlength="2000" autocomplete="off" onInput=${({ target }) => setText(target.value)} placeholder="words, an identifier or an error code" /></label>
    <button type="submit">Search</button>
    ${query.words && html`<button type="button" onClick=${() => setQuery({ words: undefined })}>Show the list</button>`}
  </form>`;
}

function Found({ text }) {
  const read = useRead("searchMemories", { query: text, limit: 50 }, ["memories"]);
  return html`<${Answer} read=${read} not="The memories were not searched">
    ${({ memories }) => memories.length === 0
      ? html`<p class="lead">No active memory fits “<${Text}>${text}<//>”.</p><p class="quiet">A search finds memories that are near enough to the words; few and rare words find more than many.</p>`
      : html`<${Memories} rows=${memories} />`}
  <//>`;
}

function Listed({ query }) {
  const filter = Object.fromEntries(FIELDS.map(([name]) => [name, query[name]]).filter(([, value]) => value));
  const set = Object.keys(filter).length > 0;
  const list = useList("listMemories", { status: query.status || "active", ...filter }, { field: "memories", idOf: ({ memoryId }) => memoryId, kinds: ["memories"] });
  return html`
    <${Filter} query=${query} key=${JSON.stringify(filter)} />
    ${set && !query.status && mayAct() &&
    html`<div class="actions"><${ActButton} label="Expire all that match …" danger onClick=${() => ask(expireAll(filter, inWords(filter)))} /></div>`}
    <${Problem} problem=${list.read.problem} not="The memories were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="memory" />
    ${list.rows.length > 0 ? html`<${Memories} rows=${list.rows} />` : list.read.answer && html`<${None} status=${query.status} filtered=${set} />`}
    <${More} list=${list} noun="memory" />
  `;
}

/** A filter in words: "active memories with about service, its name shop". */
const inWords = (filter) =>
  `active memories with ${FIELDS.filter(([name]) => filter[name]).map(([name, label, kind]) => `${label.toLowerCase()} ${{ time: clockTime }[kind]?.(filter[name]) ?? filter[name]}`).join(", ")}`;

function Filter({ query }) {
  const [values, setValues] = useState(() => Object.fromEntries(FIELDS.map(([name]) => [name, query[name] ?? ""])));
  const put = (name, value) => setValues((before) => ({ ...before, [name]: value }));
  const submit = (event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()])));
  };
  return html`<form class="fields narrow" aria-label="Filter" onSubmit=${submit}>
    ${FIELDS.map(
      ([name, label, options]) => html`<label class="field" key=${name}><span>${label}</span>
        <${Part} options=${options} value=${values[name]} put=${(value) => put(name, value)} /></label>`,
    )}
    <button type="submit">Filter</button>
    ${FIELDS.some(([name]) => query[name]) && html`<button type="button" onClick=${() => setQuery(Object.fromEntries(FIELDS.map(([name]) => [name, undefined])))}>Show all</button>`}
  </form>`;
}

/** One field of the filter. A time of the address is shown in the viewer's zone. */
function Part({ options, value, put }) {
  if (options === "time") {
    return html`<input type="datetime-local" value=${value && localTime(value)} onChange=${({ target }) => put(target.value && new Date(target.value).toISOString())} />`;
  }
  return options
    ? html`<select value=${value} onChange=${({ target }) => put(target.value)}>${choices(options).map(([each, word]) => html`<option key=${each} value=${each}>${word}</option>`)}</select>`
    : html`<input value=${value} autocomplete="off" spellcheck="false" maxlength="200" onInput=${({ target }) => put(target.value)} />`;
}

/** A time as a date field takes it: without a zone, to the minute. */
function localTime(time) {
  const date = new Date(time);
  return new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const None = ({ status, filtered }) => {
  if (filtered || status) {
    return html`<p>${filtered ? "No memory matches." : `No memory is ${STATUSES.find(([each]) => each === status)?.[1] ?? "like this"}.`}</p>`;
  }
  return html`<p class="lead">No memory yet.</p>
    <p class="quiet">An agent that learns something proposes a candidate. It becomes a memory when another agent or a person promotes it; then it stands in the prompts of the jobs that it fits, ten at most. A person can begin:${" "}<code>agentbus create-memory-candidate --candidate-kind constraint --scope global …</code></p>`;
};

const Memories = ({ rows }) =>
  html`<${Table} label="Memories" rows=${rows} keyOf=${({ memoryId }) => memoryId}
    columns=${[
      { title: "Memory", kind: "main wide", cell: (row) => html`<${Named} page="memories" id=${row.memoryId} row=${row} />` },
      { title: "Status", cell: (row) => html`<${State} state=${row.status ?? "active"} /><${Trust} row=${row} />` },
      { title: "Kind", cell: ({ kind }) => words(kind) },
      { title: "About", cell: (row) => html`<${About} row=${row} />` },
      { title: "Read by", cell: (row) => html`<${Readers} row=${row} />` },
      { title: "Confidence", kind: "number", cell: ({ confidenceScore }) => count(confidenceScore) },
      { title: "Used", kind: "number", cell: usedOf },
      { title: "Review", kind: "number", cell: (row) => row.nextReviewAt && html`<${Review} row=${row} />` },
    ]} />`;

/** The next review of an active memory; one that is late stands out. */
const Review = ({ row: { status, nextReviewAt } }) =>
  status !== "active" ? html`<span class="quiet">–</span>` : html`<span class=${Date.parse(nextReviewAt) < Date.now() ? "attention" : undefined}><${Time} at=${nextReviewAt} inRow /></span>`;
