// The audit log: who did what to which row, when and why, the newest first.

import { html, useState } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { Json } from "./json.js";
import { address, setQuery } from "./router.js";
import { shortId } from "./format.js";
import { JobLink, Problem, Table, Text, Time } from "./ui.js";

/** The fields of the filter: name in the contract, label, and an example. */
const FIELDS = [
  ["actor", "Actor", "operator:anna"],
  ["action", "Action", "job.cancelled"],
  ["table", "Table", "jobs"],
  ["rowId", "Row", "an id or a name"],
];

export default function AuditPage({ query }) {
  const filter = Object.fromEntries(["actor", "action", "table", "rowId", "jobId", "since", "until"].map((name) => [name, query[name]]));
  const list = useList("listAudit", filter, { field: "rows", idOf: ({ auditId }) => auditId, kinds: ["audit", "jobs", "agents"] });
  const filtered = Object.values(filter).some(Boolean);
  const opened = list.rows.find(({ auditId }) => String(auditId) === query.open);
  return html`
    <${Filter} query=${query} key=${JSON.stringify(filter)} />
    <${Problem} problem=${list.read.problem} not="The audit log was not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="row" />
    ${opened && html`<${Changes} row=${opened} />`}
    ${list.rows.length > 0
      ? html`<${Rows} rows=${list.rows} query=${query} />`
      : list.read.answer && html`<p>${filtered ? "No row of the audit log matches." : "The audit log is empty."}</p>`}
    <${More} list=${list} noun="row" />
  `;
}

function Filter({ query }) {
  const [values, setValues] = useState(() => Object.fromEntries(FIELDS.map(([name]) => [name, query[name] ?? ""])));
  const submit = (event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()])));
  };
  const set = Object.keys(values).some((name) => query[name]) || query.since || query.until;
  return html`<form class="fields" role="search" onSubmit=${submit}>
    ${FIELDS.map(
      ([name, label, example]) => html`<label class="field" key=${name}><span>${label}</span>
        <input value=${values[name]} autocomplete="off" spellcheck="false" maxlength="300" placeholder=${example}
          onInput=${({ target }) => setValues((before) => ({ ...before, [name]: target.value }))} /></label>`,
    )}
    <button type="submit">Filter</button>
    ${query.jobId && html`<button type="button" onClick=${() => setQuery({ jobId: undefined })}>Only of job ${shortId(query.jobId)} ✕</button>`}
    ${set && html`<button type="button" onClick=${() => setQuery({ ...Object.fromEntries(FIELDS.map(([name]) => [name, undefined])), since: undefined, until: undefined })}>Show all</button>`}
  </form>`;
}

const Rows = ({ rows, query }) =>
  html`<${Table} label="Audit log" rows=${rows} keyOf=${({ auditId }) => String(auditId)} rowClass=${({ auditId }) => (String(auditId) === query.open ? "open" : undefined)}
    columns=${[
      { title: "Action", kind: "main", cell: ({ auditId, action }) => html`<a data-open id=${`row-${auditId}`} href=${address(["audit"], { ...query, open: auditId })}><code><${Text}>${action}<//></code></a>` },
      { title: "When", cell: ({ at }) => html`<${Time} at=${at} inRow />` },
      { title: "Actor", cell: ({ actor }) => html`<a class="name" href=${address(["audit"], { actor })}><${Text}>${actor}<//></a>` },
      { title: "Row", cell: (row) => html`<${Row} row=${row} />` },
      { title: "Why", kind: "wide", cell: ({ why }) => html`<span class="clamp"><${Text}>${why}<//></span>` },
    ]} />`;

/** One row of the audit log as a whole: the reason and what changed. */
const Changes = ({ row }) =>
  html`<aside class="panel" aria-label="Audit row">
    <button type="button" class="plain close" aria-label="Close the row" onClick=${() => setQuery({ open: undefined })}>✕</button>
    <h2><code><${Text}>${row.action}<//></code> by <${Text}>${row.actor}<//></h2>
    <p><${Time} at=${row.at} /> · <${Row} row=${row} /></p>
    ${row.why && html`<p><${Text} lines>${row.why}<//></p>`}
    <${Json} value=${row.detail} label="Changes" />
  </aside>`;

/** The page of each table whose rows have one. */
const PAGES = {
  agents: "agents", standing_orders: "orders", questions: "questions", bulk_actions: "bulk", ideas: "ideas", opportunities: "opportunities", reports: "reports",
  memories: "memories", memory_candidates: "memory-candidates",
};

/** The row that was changed, as a link where it has a page. */
function Row({ row: { table, rowId } }) {
  const name = html`<code class="whole"><${Text}>${shortId(rowId)}<//></code>`;
  const page = PAGES[table];
  if (table === "jobs") {
    return html`<${JobLink} job=${rowId}>job ${name}<//>`;
  }
  return page ? html`<a class="name" href=${address([page, rowId])}>${name}</a>` : html`<span class="quiet">${table}</span> ${name}`;
}
