// Parts that the pages of opportunities and ideas share: the way between them and their filter.

import { phaseIsOn } from "./api.js";
import { html, useState } from "./lib.js";
import { useRead } from "./reads.js";
import { address, go, setQuery } from "./router.js";
import { Choice, Text } from "./ui.js";

/** The phase of the bus that takes proposals. Before it the pages only show what is there. */
const PHASE = 3;

/** Whether the bus takes proposals and decisions on them. */
export const laneIsOn = () => phaseIsOn(PHASE);

/** Says on a list that the lane is off. */
export const Off = () =>
  !laneIsOn() && html`<p class="attention" role="status">Phase 3 of the bus is off: nobody can propose or decide anything. The proposals are kept.</p>`;

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
