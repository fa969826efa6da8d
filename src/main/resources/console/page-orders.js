// Standing orders: the calendar of what was expected and what happened, and each order with its state and next slot.

import { Calendar, WINDOWS, windowOf } from "./calendar.js";
import { html, useMemo } from "./lib.js";
import { State } from "./marks.js";
import { useRead } from "./reads.js";
import { address, setQuery } from "./router.js";
import { AgentLink, Answer, Choice, Section, Table, Text, Time } from "./ui.js";

const DAY = "24";
/** The window moves on with the clock, a few minutes at a time, so that equal windows share one read. */
const STEP_MS = 300000;

/** The states of an order that ask for attention come first. */
const HEALTH = {
  missed: ["missed", "missed a slot"],
  failing: ["failed", "failing"],
  silent: ["stale", "silent"],
  new: ["expected", "new"],
  over: ["disabled", "over"],
  disabled: ["paused", "switched off"],
  ok: ["ok", "as expected"],
};
const ranked = Object.keys(HEALTH);

/** The health of an order as shape and words. */
export const OrderHealth = ({ order: { enabled, health } }) =>
  enabled === false
    ? html`<${State} state="disabled" word="removed" />`
    : html`<${State} state=${HEALTH[health]?.[0] ?? "ok"} word=${HEALTH[health]?.[1] ?? health} />`;

export default function OrdersPage({ query }) {
  const hours = query.window in WINDOWS ? query.window : DAY;
  const now = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const span = useMemo(() => windowOf(hours, now), [hours, now]);
  const slots = useRead("standingOrderSlots", { from: span.from, to: span.to, agentId: query.agent }, ["orders"]);
  const orders = useRead("listStandingOrders", { agentId: query.agent }, ["orders"]);

  return html`
    <div class="tools">
      <${Choice} label="Window" value=${hours} options=${Object.entries(WINDOWS).map(([key, { word }]) => [key, word])}
        onChange=${(window) => setQuery({ window: window === DAY ? undefined : window })} />
      ${query.agent && html`<button type="button" onClick=${() => setQuery({ agent: undefined })}>Only <${Text}>${query.agent}<//> ✕</button>`}
    </div>
    <${Answer} read=${slots} not="The slots were not read">
      ${(answer) =>
        answer.orders.length === 0
          ? html`<p>No standing order has a slot in this window. Orders are route files; the guide on standing orders tells how to write one.</p>`
          : html`<${Calendar} orders=${answer.orders} span=${span} />
              ${answer.more && html`<p class="attention">The window has more slots than one answer holds, so the newest are missing here. Choose a shorter window or one agent.</p>`}`}
    <//>
    <${Section} title="All orders" id="all-orders">
      <${Answer} read=${orders} not="The orders were not read">
        ${(answer) => html`<${OrderTable} orders=${answer.orders} />`}
      <//>
    <//>
  `;
}

function OrderTable({ orders }) {
  const sorted = [...orders].sort(
    (one, other) => ranked.indexOf(one.health) - ranked.indexOf(other.health) || one.order.localeCompare(other.order),
  );
  return html`<${Table} label="Standing orders" rows=${sorted} keyOf=${({ order }) => order}
      columns=${[
        { title: "Order", kind: "main wide", cell: ({ order }) => html`<a id=${`row-${order}`} data-open href=${address(["orders", order])}><${Text}>${order}<//></a>` },
        { title: "Health", cell: (order) => html`<${OrderHealth} order=${order} />` },
        { title: "Agent", cell: ({ agentId }) => html`<${AgentLink} agent=${agentId} />` },
        { title: "Schedule", cell: ({ schedule }) => html`<${Text}>${schedule}<//>` },
        { title: "Last slot", cell: ({ last }) => last && html`<${State} state=${last.status} /> <${Time} at=${last.scheduledFor} inRow />` },
        { title: "Next slot", cell: ({ nextFires }) => html`<${Time} at=${nextFires?.[0]} inRow />` },
      ]} />`;
}
