// Parts that the pages of opportunities, ideas and reports share: the way between them, their filter, and the things that
// evidence and sources name.

import { session } from "./api.js";
import { shortId, words } from "./format.js";
import { html, useState } from "./lib.js";
import { useRead } from "./reads.js";
import { address, go, setQuery } from "./router.js";
import { Choice, JobLink, Section, Text, Time } from "./ui.js";

/** The phase of the bus that takes proposals. Before it the pages only show what is there. */
const PHASE = 3;

/** Whether the bus takes proposals and decisions on them. */
export const laneIsOn = () => (session.get()?.phase ?? 1) >= PHASE;

/** The choice between opportunities and ideas. */
export const Kinds = ({ shown }) =>
  html`<${Choice} label="Proposals" value=${shown} options=${[["opportunities", "Opportunities"], ["ideas", "Ideas"]]}
    onChange=${(next) => next !== shown && go(address([next]))} />`;

/**
 * A filter whose fields are those of the address.
 *
 * @param query the fields of the address
 * @param fields each with its name in the address, its label, and agents: whether it offers the agents
 */
export function ProposalFilter({ query, fields }) {
  const agents = useRead("listAgents", {}, ["agents"]).answer?.agents ?? [];
  const [values, setValues] = useState(() => Object.fromEntries(fields.map(({ name }) => [name, query[name] ?? ""])));
  const submit = (event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()])));
  };
  return html`<form class="fields narrow" role="search" onSubmit=${submit}>
    ${fields.map(
      ({ name, label, agents: offers }) => html`<label class="field" key=${name}><span>${label}</span>
        <input value=${values[name]} list=${offers ? "proposers" : undefined} autocomplete="off" spellcheck="false" maxlength="200"
          onInput=${({ target }) => setValues((before) => ({ ...before, [name]: target.value }))} /></label>`,
    )}
    <datalist id="proposers">${agents.map(({ agentId }) => html`<option key=${agentId} value=${agentId} />`)}</datalist>
    <button type="submit">Filter</button>
    ${fields.some(({ name }) => query[name]) &&
    html`<button type="button" onClick=${() => setQuery(Object.fromEntries(fields.map(({ name }) => [name, undefined])))}>Show all</button>`}
  </form>`;
}

/** A link to the list of proposals of one theme. */
export const ThemeLink = ({ page, theme }) => html`<a class="name" href=${address([page], { theme })}><span class="clamp"><${Text}>${theme}<//></span></a>`;

/** The agent or person that has proposed something. A person has no page. */
export function Author({ row: { sourceAgent, sourceJobId } }) {
  const agents = useRead("listAgents", {}, ["agents"]).answer?.agents ?? [];
  const known = agents.some(({ agentId }) => agentId === sourceAgent);
  return html`${known ? html`<a class="name" href=${address(["agents", sourceAgent])}><${Text}>${sourceAgent}<//></a>` : html`<${Text}>${sourceAgent}<//>`}${sourceJobId &&
  html` in <${JobLink} job=${sourceJobId}>job <code class="whole">${shortId(sourceJobId)}</code><//>`}`;
}

/** What evidence names, each as a link to its page. The address of an outside page is text, because an agent chose it. */
export const Evidence = ({ entries }) =>
  html`<${Section} title="Evidence" id="evidence">
    ${entries.length === 0
      ? html`<p class="quiet">none</p>`
      : html`<ul class="plain entries">
          ${entries.map(
            (entry) => html`<li key=${entry.id ?? entry.url}>
              <${Named} entry=${entry} />
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
