// What a proposal, a memory or a report names: its author, and the things that its evidence and its sources point to.

import { shortId, words } from "./format.js";
import { html } from "./lib.js";
import { useRead } from "./reads.js";
import { address } from "./router.js";
import { JobLink, Section, Text, Time } from "./ui.js";

/** The agent or person that has proposed something. A person has no page. */
export function Author({ row: { sourceAgent, sourceJobId } }) {
  const agents = useRead("listAgents", {}, ["agents"]).answer?.agents ?? [];
  const known = agents.some(({ agentId }) => agentId === sourceAgent);
  return html`${known ? html`<a class="name" href=${address(["agents", sourceAgent])}><${Text}>${sourceAgent}<//></a>` : html`<${Text}>${sourceAgent}<//>`}${sourceJobId &&
  html` in <${JobLink} job=${sourceJobId}>job <code class="whole">${shortId(sourceJobId)}</code><//>`}`;
}

/** What evidence names, each as a link to its page. The address of an outside page is text, because an agent chose it. */
export const Evidence = ({ entries, title = "Evidence" }) =>
  html`<${Section} title=${title} id="evidence">
    ${entries.length === 0
      ? html`<p class="quiet">none</p>`
      : html`<ul class="plain entries">
          ${entries.map(
            (entry) => html`<li key=${entry.id ?? entry.url}>
              <${Named} entry=${entry} />
              ${entry.about && html` <${Text}>${entry.about}<//>`}
              ${entry.lookedAt && html`<span class="quiet">, looked at <${Time} at=${entry.lookedAt} /></span>`}
              ${entry.note && html`<p class="quiet"><${Text}>${entry.note}<//></p>`}
            </li>`,
          )}
        </ul>`}
  <//>`;

/** The page of a thing by its kind. */
const PLACES = {
  job: (id) => ["jobs", id],
  opportunity: (id) => ["opportunities", id],
  idea: (id) => ["ideas", id],
  question: (id) => ["questions", id],
  memory: (id) => ["memories", id],
  candidate: (id) => ["memory-candidates", id],
};

/**
 * The name of a thing of the bus, as a link where it has a page.
 *
 * @param entry kind, and id or url
 */
export function Named({ entry: { kind, id, url } }) {
  if (kind === "slot") {
    return html`<${Slot} id=${id} />`;
  }
  const place = kind === "event" ? address(["events"], { event: id }) : PLACES[kind] && address(PLACES[kind](id));
  const name = html`${words(kind)} <code><${Text}>${url ?? shortId(id ?? "")}<//></code>`;
  return place ? html`<a href=${place}>${name}</a>` : name;
}

/** A slot leads to its order, whose name its row has. */
function Slot({ id }) {
  const run = useRead("getStandingOrderRun", { runId: id }).answer?.run;
  return run
    ? html`<a href=${address(["orders", run.order], { run: id })}>slot of <${Text}>${run.order}<//></a> <${Time} at=${run.scheduledFor} />`
    : html`slot <code class="whole">${shortId(id)}</code>`;
}
