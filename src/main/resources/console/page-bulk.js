// Bulk actions: one with its progress and its outcome, and the list of all.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { filterIn, filterInWords, jobsWhere } from "./filter.js";
import { clockTime, count, counted, words } from "./format.js";
import { html } from "./lib.js";
import { More, useList } from "./list.js";
import { State } from "./marks.js";
import { useRead } from "./reads.js";
import { address } from "./router.js";
import { ActButton, Answer, Facts, Id, JobLink, Section, Table, Text, Time } from "./ui.js";

export default function Bulk({ id }) {
  return id ? html`<${One} bulkId=${id} />` : html`<${All} />`;
}

function One({ bulkId }) {
  const read = useRead("getBulkAction", { bulkId }, ["bulk", "jobs"]);
  return html`<${Answer} read=${read} not=${`Bulk action ${bulkId} was not read`}>${(bulk) => html`<${Whole} bulk=${bulk} />`}<//>`;
}

const handled = ({ done, skipped, failed }) => Number(done) + Number(skipped) + Number(failed);

function Whole({ bulk }) {
  const running = bulk.status === "running";
  return html`
    <p class="lead"><${State} state=${bulk.status} /> ${headline(bulk)}</p>
    <p class="next"><${Text}>${bulk.reason}<//> <span class="quiet">by <${Text}>${bulk.by}<//></span></p>
    ${bulk.total !== undefined && html`<progress max=${Math.max(1, Number(bulk.total))} value=${handled(bulk)} aria-label="Progress"></progress>`}
    <p>${counted(bulk.done, "job")} done, ${count(bulk.skipped)} skipped because they no longer fit,${" "}
      <span class=${bulk.failed > 0 ? "trouble" : ""}>${count(bulk.failed)} refused</span>${bulk.total !== undefined && ` of ${count(bulk.total)}`}.</p>
    ${running && mayAct() && html`<div class="bar" data-page-actions><${ActButton} label="Stop" onClick=${() => ask(stopOf(bulk))} /></div>`}
    ${bulk.sampleOfFailures?.length > 0 && html`<${Section} id="failures" title="Refused" note="the first ones"><${Failures} rows=${bulk.sampleOfFailures} /><//>`}
    <${Section} id="facts" title="The action">
      <${Facts} facts=${[
        ["Operation", words(bulk.operation)],
        ["Filter", html`<a href=${jobsWhere(filterIn(bulk.filter))}><${Text}>${filterInWords(filterIn(bulk.filter))}<//></a>`],
        ["New priority", bulk.priority],
        ["New agent", bulk.targetAgent],
        ["Started", html`<${Time} at=${bulk.startedAt} />`],
        ["Ended", bulk.endedAt && html`<${Time} at=${bulk.endedAt} />`],
        ["Id", html`<${Id} id=${bulk.bulkId} />`],
      ]} />
      <p class="records"><a href=${address(["audit"], { table: "bulk_actions", rowId: bulk.bulkId })}>Audit rows of this action</a> <a href=${address(["bulk"])}>All bulk actions</a></p>
    <//>
  `;
}

const headline = ({ operation, filter }) => html`${words(operation)} <${Text}>${filterInWords(filterIn(filter))}<//>`;

const stopOf = (bulk) => ({
  title: "Stop this bulk action",
  sentence: `It stops after the batch at work. The ${count(bulk.done)} jobs that are done stay as they are.`,
  operation: "stopBulkAction",
  input: { bulkId: bulk.bulkId },
  audit: { table: "bulk_actions", rowId: bulk.bulkId },
});

const Failures = ({ rows }) => html`<${Table} label="Refused" rows=${rows} keyOf=${({ jobId }) => jobId} columns=${[
  { title: "Job", kind: "main", cell: ({ jobId, subject }) => html`<${JobLink} job=${{ jobId, subject }} open />` },
  { title: "Why", kind: "wide", cell: ({ detail }) => html`<${Text}>${detail}<//>` },
]} />`;

function All() {
  const list = useList("listBulkActions", {}, { field: "bulkActions", idOf: ({ bulkId }) => bulkId, kinds: ["bulk"] });
  return html`<${Answer} read=${list.read} not="The bulk actions were not read">
    ${() => list.rows.length === 0
      ? html`<p class="lead">No bulk action yet.</p><p class="quiet">Choose “All that match” on the page <a href=${address(["jobs"])}>Jobs</a>.</p>`
      : html`<${Table} label="Bulk actions" rows=${[...list.rows]} keyOf=${({ bulkId }) => bulkId} columns=${[
          { title: "State", cell: ({ status }) => html`<${State} state=${status} />` },
          { title: "Action", kind: "main", cell: (bulk) => html`<a data-open id=${`row-${bulk.bulkId}`} href=${address(["bulk", bulk.bulkId])}>${headline(bulk)}</a>` },
          { title: "Reason", kind: "wide", cell: ({ reason, by }) => html`<${Text}>${reason}<//> <span class="quiet">by <${Text}>${by}<//></span>` },
          { title: "Done", kind: "number", cell: ({ done }) => count(done) },
          { title: "Refused", kind: "number", cell: ({ failed }) => count(failed) },
          { title: "Started", kind: "number", cell: ({ startedAt }) => clockTime(startedAt) },
        ]} /><${More} list=${list} noun="bulk action" />`}
  <//>`;
}
