// The account of an agent or a flow in a window of time: what it was woken for, was told, wrote, handed over, asked and
// left open. The window and the subject are in the address, so that an account can be sent to somebody.

import { useRead } from "./reads.js";
import { html, useState } from "./lib.js";
import { CopyMarkdown, Markdown } from "./markdown.js";
import { go, address } from "./router.js";
import { Answer, Choice, Section } from "./ui.js";

const HOUR_MS = 3600000;
/** Chosen: the windows that people ask for most. */
const WINDOWS = [
  ["24", "24 hours"],
  ["72", "3 days"],
  ["168", "7 days"],
];

export default function AccountPage({ query }) {
  const asked = Boolean(query.agent || query.flow);
  const read = useRead(asked ? "account" : null, {
    agent: query.agent,
    flow: query.flow,
    from: query.from,
    to: query.to,
  });
  return html`
    <${Form} query=${query} key=${`${query.agent} ${query.flow} ${query.from} ${query.to}`} />
    ${asked
      ? html`<${Answer} read=${read} not="The account was not read">${(account) => html`<${Account} account=${account} />`}<//>`
      : html`<p class="quiet">Choose an agent or name a flow. The account is made from the ledger alone; no model writes it.</p>`}
  `;
}

function Form({ query }) {
  const agents = useRead("listAgents", {}, ["agents"]);
  const [of, setOf] = useState(query.flow ? "flow" : "agent");
  const [agentId, setAgentId] = useState(query.agent ?? "");
  const [flowKey, setFlowKey] = useState(query.flow ?? "");
  const [from, setFrom] = useState(localOf(query.from));
  const [to, setTo] = useState(localOf(query.to));

  const show = (event) => {
    event.preventDefault();
    const subject = of === "agent" ? { agent: agentId } : { flow: flowKey };
    go(address(["account"], { ...subject, from: timeOf(from), to: timeOf(to) }));
  };
  const last = (hours) => {
    setFrom(localOf(new Date(Date.now() - Number(hours) * HOUR_MS).toISOString()));
    setTo(localOf(new Date().toISOString()));
  };

  return html`<form class="fields" onSubmit=${show}>
    <${Choice} label="Account of" value=${of} options=${[["agent", "an agent"], ["flow", "a flow"]]} onChange=${setOf} />
    ${of === "agent"
      ? html`<label class="field"><span>Agent</span>
          <select required value=${agentId} onChange=${({ target }) => setAgentId(target.value)}>
            <option value="">Choose an agent</option>
            ${withOwn(agents.answer?.agents, agentId).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
          </select></label>`
      : html`<label class="field"><span>Flow key</span>
          <input required maxlength="200" autocomplete="off" value=${flowKey} onInput=${({ target }) => setFlowKey(target.value)} /></label>`}
    <label class="field"><span>From; empty means ${of === "agent" ? "a day before the end" : "its beginning"}</span>
      <input type="datetime-local" value=${from} onInput=${({ target }) => setFrom(target.value)} /></label>
    <label class="field"><span>To; empty means now</span>
      <input type="datetime-local" value=${to} onInput=${({ target }) => setTo(target.value)} /></label>
    <${Choice} label="Last" options=${WINDOWS} onChange=${last} />
    <button type="submit">Show the account</button>
  </form>`;
}

/** The agents of the select; the one of the address is there before they are read. */
const withOwn = (agents, own) => [...new Set([own, ...(agents ?? []).map(({ agentId }) => agentId)])].filter(Boolean);

const timeOf = (local) => (local === "" ? undefined : new Date(local).toISOString());

/** A time as the field for local times takes it; empty for none. */
function localOf(time) {
  if (!time) {
    return "";
  }
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const Account = ({ account }) => html`
  <div class="actions" data-page-actions><${CopyMarkdown} text=${account.markdown} /></div>
  <${Section} title="The account" id="account"><${Markdown} text=${account.markdown} /><//>
`;
