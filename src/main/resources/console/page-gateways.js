// The gateways, and everything that is paused, drained, stopped or frozen, with the acts that end it.

import { ask } from "./act.js";
import { count } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { Pauses, StopActs } from "./pauses.js";
import { useRead } from "./reads.js";
import { setQuery } from "./router.js";
import { PromotionAct } from "./stops.js";
import { ActButton, AgentLink, Answer, Facts, Section, Text, Time } from "./ui.js";

const KINDS = ["gateways", "agents"];

export default function GatewaysPage({ query }) {
  const gateways = useRead("listGateways", {}, KINDS);
  const ended = query.ended === "shown";
  const pauses = useRead("listPauses", { includeEnded: ended || undefined }, KINDS);
  const stopped = pauses.answer?.pauses ?? [];
  return html`
    <${Answer} read=${gateways} not="The gateways were not read">
      ${(answer) =>
        answer.gateways.length === 0
          ? html`<p>No gateway is known. Jobs wait until a worker claims them, or until a gateway is set; the guide on OpenClaw tells how.</p>`
          : answer.gateways.map(
              (gateway) => html`<${Gateway} key=${gateway.name} gateway=${gateway} pauses=${stopped} />`,
            )}
    <//>
    <${Section} title="Pauses, drains, stops and freezes" id="pauses">
      <label class="option">
        <input type="checkbox" checked=${ended} onChange=${({ target }) => setQuery({ ended: target.checked ? "shown" : undefined })} />
        Show those that have ended
      </label>
      <div class="actions"><${PromotionAct} pauses=${stopped} /></div>
      <${Answer} read=${pauses} not="The pauses were not read">${(answer) => html`<${Pauses} pauses=${answer.pauses} />`}<//>
    <//>
  `;
}

/** The words for a gateway's state, which the plain state does not say. */
const SAYS = {
  ready: ["ok", "ready"],
  draining: ["draining", "draining"],
  down: ["missing", "down"],
  unknown: ["stale", "not asked for a minute"],
};

function Gateway({ gateway, pauses }) {
  const held = gateway.heldUntil && Date.parse(gateway.heldUntil) > Date.now();
  const [state, word] = held ? ["held", "held"] : (SAYS[gateway.state] ?? ["stale", gateway.state]);
  return html`<${Section} id=${`gateway-${gateway.name}`} title=${html`<${Text}>${gateway.name}<//>`}
    note=${html`<${State} state=${state} word=${word} />${gateway.since && html` since <${Time} at=${gateway.since} />`}`}>
    ${gateway.reason && html`<p class="attention"><${Text}>${gateway.reason}<//></p>`}
    ${gateway.operatorRefusal && html`<p class="attention"><${Text}>${gateway.operatorRefusal}<//></p>`}
    <${Acts} gateway=${gateway} pauses=${pauses} held=${held} />
    <${Facts} facts=${[
      ["At work", `${count(gateway.inFlight)} of ${count(gateway.maxInFlight)} runs`],
      ["Held until", held && html`<${Time} at=${gateway.heldUntil} />`],
      ["Address", gateway.url && html`<code><${Text}>${gateway.url}<//></code>`],
      ["Form of its hooks", gateway.form],
      ["Version", gateway.version && html`<${Text}>${gateway.version}<//>`],
      ["Started", gateway.startedAt && html`<${Time} at=${gateway.startedAt} />`],
      ["Asked", gateway.checkedAt && html`<${Time} at=${gateway.checkedAt} />`],
      ["Agents", gateway.agents.length > 0 && html`<ul class="names">${gateway.agents.map((agent) => html`<li key=${agent}><${AgentLink} agent=${agent} /></li>`)}</ul>`],
    ]} />
  <//>`;
}

function Acts({ gateway, pauses, held }) {
  return html`<div class="actions">
    ${held &&
    html`<${ActButton} label="End the hold" onClick=${() =>
      ask({
        title: "End the hold of this gateway",
        sentence: `Hook calls to ${gateway.name} begin again at once, and every lane that its refusals have stopped opens.`,
        operation: "resumeGateway",
        input: { gateway: gateway.name },
        fields: [],
        audit: { table: "gateways", rowId: gateway.name },
      })} />`}
    <${StopActs} kind="gateway" name=${gateway.name} pauses=${pauses} />
  </div>`;
}
