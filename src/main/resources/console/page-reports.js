// The digests and reports, the newest first, and the act that composes one.

import { ask } from "./act.js";
import { clockTime, count, words } from "./format.js";
import { html } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { address, go, setQuery } from "./router.js";
import { ActButton, Choice, JobLink, Problem, Table, Text, Time } from "./ui.js";

const COMPOSED = ["ideas_digest", "weekly_bets", "daily_digest", "weekly_report"];
const KINDS = [["", "all"], ...COMPOSED.map((kind) => [kind, words(kind)])];

export default function ReportsPage({ query }) {
  const list = useList("listReports", { kind: query.kind }, { field: "reports", idOf: ({ reportId }) => reportId, kinds: ["reports"] });
  return html`
    <div class="tools">
      <${Choice} label="Kind" value=${query.kind ?? ""} options=${KINDS} onChange=${(kind) => setQuery({ kind })} />
      <div class="actions" data-page-actions><${ActButton} label="Compose a report" onClick=${() => ask(compose(query.kind))} /></div>
    </div>
    <${Problem} problem=${list.read.problem} not="The reports were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="report" />
    ${list.rows.length > 0
      ? html`<${Reports} rows=${list.rows} />`
      : list.read.answer && html`<p>No ${query.kind ? words(query.kind) : "report"} was composed yet. The orders of the publisher get one for each slot.</p>`}
    <${More} list=${list} noun="report" />
  `;
}

/** The period of the report ends now, and is a day or a week long. */
const compose = (kind) => ({
  title: "Compose a report",
  sentence: "This composes the report of the last day, or for a weekly kind of the last seven days, from the rows of the bus, and keeps it.",
  operation: "composeReport",
  fields: [{ name: "kind", label: "Kind", kind: "choice", options: COMPOSED, value: COMPOSED.includes(kind) ? kind : COMPOSED[0] }, { name: "reason" }],
  audit: { table: "reports" },
  then: ({ reportId }) => go(address(["reports", reportId])),
});

/** The times that a report covers. */
export const Period = ({ report }) => html`<time datetime=${report.from}>${clockTime(report.from)}</time> to <time datetime=${report.to}>${clockTime(report.to)}</time>`;

const Reports = ({ rows }) =>
  html`<${Table} label="Reports" rows=${rows} keyOf=${({ reportId }) => reportId}
    columns=${[
      { title: "Report", kind: "main", cell: ({ reportId, kind }) => html`<a data-open id=${`row-${reportId}`} href=${address(["reports", reportId])}>${words(kind)}</a>` },
      { title: "Covers", cell: (report) => html`<${Period} report=${report} />` },
      { title: "Items", kind: "number", cell: ({ items }) => count(items) },
      { title: "Words", kind: "number", cell: ({ words: number }) => count(number) },
      { title: "Left out", kind: "number", cell: ({ leftOut }) => count(sum(leftOut)) },
      { title: "Composed", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
      { title: "For", kind: "wide", cell: ({ jobId, createdBy }) => (jobId ? html`<${JobLink} job=${jobId}>the publisher's job<//>` : html`<${Text}>${createdBy}<//>`) },
    ]} />`;

/** The number of things that a report leaves out, of all reasons. */
export const sum = (leftOut) => Object.values(leftOut ?? {}).reduce((all, number) => all + Number(number), 0);
