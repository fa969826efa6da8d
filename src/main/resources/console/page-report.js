// One digest or report as people read it, with the rows that it was made from.

import { Named } from "./evidence.js";
import { counted, words } from "./format.js";
import { html } from "./lib.js";
import { CopyMarkdown, Markdown } from "./markdown.js";
import { Period, sum } from "./page-reports.js";
import { useRead } from "./reads.js";
import { useName } from "./router.js";
import { Answer, Facts, Id, JobLink, Section, Text, Time } from "./ui.js";

export default function ReportPage({ id }) {
  const read = useRead("getReport", { reportId: id }, ["reports"]);
  return html`<${Answer} read=${read} not="The report was not read">${(report) => html`<${Whole} report=${report} />`}<//>`;
}

function Whole({ report }) {
  useName(words(report.kind));
  return html`
    <div class="actions" data-page-actions><${CopyMarkdown} text=${report.markdown} /></div>
    <${Markdown} text=${report.markdown} />
    <${Section} id="made" title="How it was made" note="from rows of the bus; no model writes it">
      <${Facts} facts=${[
        ["Covers", html`<${Period} report=${report} />`],
        ["Composed", html`<${Time} at=${report.createdAt} /> by <${Text}>${report.createdBy}<//>`],
        ["For", report.jobId && html`<${JobLink} job=${report.jobId}>the publisher's job<//>`],
        ["Length", `${counted(report.items, "item")}, ${counted(report.words, "word")}`],
        ["Left out", sum(report.leftOut) > 0 && html`<${LeftOut} reasons=${report.leftOut} />`],
        ["Made from", report.sources.length > 0 && html`<ul class="names">${report.sources.map((source, index) => html`<li key=${index}><${Named} entry=${source} /></li>`)}</ul>`],
        ["Id", html`<${Id} id=${report.reportId} />`],
      ]} />
    <//>
  `;
}

const LeftOut = ({ reasons }) =>
  html`<${Text}>${Object.entries(reasons).filter(([, number]) => Number(number) > 0).map(([reason, number]) => `${words(reason)} ${number}`).join(", ")}<//>`;
