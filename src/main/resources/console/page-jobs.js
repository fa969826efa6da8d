// Jobs: the list with its filter, the choice of rows, and acts on the chosen ones or on all that match.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { actsForAll, actsForSome } from "./acts.js";
import { FilterBar } from "./filter-bar.js";
import { filterIn, filterInWords, inputOf, inQuery, unknownIn } from "./filter.js";
import { counted } from "./format.js";
import { html, useState } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { State } from "./marks.js";
import { address, go, setQuery } from "./router.js";
import { ActButton, AgentLink, Answer, Choice, JobLink, Table, Time, Words } from "./ui.js";

const STATES = [
  ["", "All"], ["queued,waiting", "To do"], ["leased,running", "At work"], ["blocked", "Blocked"], ["dead", "Dead"], ["succeeded", "Succeeded"],
];

const change = (filter) => setQuery(inQuery(filter));

export default function Jobs({ query }) {
  const filter = filterIn(query);
  const input = inputOf(filter);
  const list = useList("listJobs", input, { field: "jobs", idOf: ({ jobId }) => jobId, kinds: ["jobs"] });
  const [chosen, setChosen] = useState(new Set());
  const jobs = list.rows.filter(({ jobId }) => chosen.has(jobId));
  return html`
    <${FilterBar} filter=${filter} onChange=${change} />
    <${Unknown} names=${unknownIn(query)} />
    <div class="tools">
      <${Choice} label="State" value=${filter.state ?? ""} options=${STATES} onChange=${(state) => change({ state })} />
      ${mayAct() && html`<${AllThatMatch} filter=${filter} input=${input} />`}
    </div>
    <${Fresh} list=${list} noun="job" />
    <${Answer} read=${list.read} not="The jobs were not read">
      ${() => list.rows.length === 0
        ? html`<${Nothing} filter=${filter} list=${list} />`
        : html`<${Rows} list=${list} chosen=${chosen} setChosen=${setChosen} />`}
    <//>
    <${More} list=${list} noun="job" />
    ${jobs.length > 0 && html`<${Chosen} jobs=${jobs} clear=${() => setChosen(new Set())} />`}
  `;
}

/** Says which parts of the address are no filter, because the list would otherwise look filtered. */
const Unknown = ({ names }) =>
  names.length > 0 && html`<p class="attention" role="status">The address names ${names.map((name) => `“${name}”`).join(", ")}, which the list of jobs cannot filter by.
    <button type="button" onClick=${() => setQuery(Object.fromEntries(names.map((name) => [name, undefined])))}>Remove from the address</button></p>`;

function Nothing({ filter, list }) {
  const filtered = Object.keys(filter).length > 0;
  return html`<p class="lead">${filtered ? `No ${filterInWords(filter)}${list.more ? " so far" : ""}.` : "No job yet."}</p>
    ${filtered
      ? html`<p><a href=${address(["jobs"])}>Show all jobs</a>. Jobs that ended long ago are in history and not in this list.</p>`
      : html`<p class="quiet">Enqueue one: <code>agentbus enqueue-job --target-agent devops --subject infra.check</code></p>`}`;
}

function Rows({ list, chosen, setChosen }) {
  const toggle = (jobId) =>
    setChosen((before) => {
      const after = new Set(before);
      if (!after.delete(jobId)) {
        after.add(jobId);
      }
      return after;
    });
  const select = {
    title: "Chosen",
    kind: "box",
    cell: ({ jobId, subject }) => html`<input type="checkbox" data-select checked=${chosen.has(jobId)} onChange=${() => toggle(jobId)} aria-label=${`Choose ${subject}`} />`,
  };
  return html`<${Table} label="Jobs" rows=${list.rows} keyOf=${({ jobId }) => jobId} columns=${[
    ...(mayAct() ? [select] : []),
    { title: "State", cell: ({ state }) => html`<${State} state=${state} />` },
    { title: "Subject", kind: "main", cell: (job) => html`<${JobLink} job=${job} open />${job.trust === "untrusted" && html` <span class="small quiet">from outside</span>`}` },
    { title: "Agent", cell: ({ targetAgent }) => html`<${AgentLink} agent=${targetAgent} />` },
    { title: "Now", kind: "wide", cell: (job) => html`<div class="clamp"><${Words}>${nowOf(job)}<//></div>` },
    { title: "Attempts", kind: "number", cell: ({ attemptCount, maxAttempts }) => `${attemptCount ?? 0}/${maxAttempts ?? "–"}` },
    { title: "Created", kind: "number", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
  ]} />`;
}

/** The most telling text of a job: its progress, its next move, or its end. */
function nowOf({ status, nextMove, state, lastError, summary }) {
  if (status?.line && state === "running") {
    return `${status.percent === undefined ? "" : `${status.percent}% · `}${status.line}`;
  }
  return nextMove || (["failed", "dead"].includes(state) ? lastError : summary) || "";
}

/** The acts on the chosen rows, at the foot of the page. */
const Chosen = ({ jobs, clear }) => html`<div class="chosen" role="region" aria-label="Chosen jobs" data-page-actions>
  <strong>${counted(jobs.length, "job")} chosen</strong>
  ${actsForSome(jobs).map((act) => html`<${ActButton} key=${act.operation} label=${act.label} danger=${act.danger} onClick=${() => ask({ ...act, then: clear })} />`)}
  <button type="button" class="plain" onClick=${clear}>Choose none</button>
</div>`;

/** The acts on all jobs that match, which the server runs. */
function AllThatMatch({ filter, input }) {
  const [open, setOpen] = useState(false);
  const acts = actsForAll(input, filter.state?.split(","), ({ bulkId }) => go(address(["bulk", bulkId])));
  return html`<details class="menu" open=${open} onToggle=${({ target }) => setOpen(target.open)} data-page-actions>
    <summary class="button">All that match …</summary>
    <div>
      ${acts.map((act) => html`<${ActButton} key=${act.input.operation} label=${act.label} danger=${act.danger} onClick=${() => {
        setOpen(false);
        ask(act);
      }} />`)}
      <a href=${address(["bulk"])}>Earlier bulk actions</a>
    </div>
  </details>`;
}
