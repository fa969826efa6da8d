// The events of the bus and of the agents, the newest first, by topic and by job. A row opens its payload in place.

import { bytes, shortId } from "./format.js";
import { html, useState } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { Json } from "./json.js";
import { useRead } from "./reads.js";
import { address, setQuery } from "./router.js";
import { AgentLink, Answer, JobLink, Problem, Table, Text, Time } from "./ui.js";

const TOPICS = ["#", "job.#", "standing_order.#", "pause.#", "agent.#"];

export default function EventsPage({ query }) {
  const list = useList(
    "listEvents",
    { topic: query.topic, sourceJobId: query.sourceJobId },
    { field: "events", idOf: ({ eventId }) => eventId, kinds: ["events", "jobs"], newestLast: true },
  );
  return html`
    <${Filter} query=${query} key=${query.topic} />
    ${query.event && html`<${Event} id=${query.event} />`}
    <${Problem} problem=${list.read.problem} not="The events were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="event" />
    ${list.rows.length > 0
      ? html`<${Events} rows=${list.rows} query=${query} />`
      : list.read.answer && html`<p>No event has this topic${query.sourceJobId ? " and this job" : ""}. A topic may be a pattern: * stands for one word, # for any number of words.</p>`}
    <${More} list=${list} noun="event" />
  `;
}

function Filter({ query }) {
  const [topic, setTopic] = useState(query.topic ?? "");
  const submit = (event) => {
    event.preventDefault();
    setQuery({ topic: topic.trim() });
  };
  return html`<form class="fields" role="search" onSubmit=${submit}>
    <label class="field"><span>Topic or pattern, such as job.#</span>
      <input list="topics" value=${topic} autocomplete="off" spellcheck="false" maxlength="200"
        onInput=${({ target }) => setTopic(target.value)} /></label>
    <datalist id="topics">${TOPICS.map((each) => html`<option key=${each} value=${each} />`)}</datalist>
    <button type="submit">Filter</button>
    ${query.sourceJobId &&
    html`<button type="button" onClick=${() => setQuery({ sourceJobId: undefined })}>Only of job ${shortId(query.sourceJobId)} ✕</button>`}
  </form>`;
}

const Events = ({ rows, query }) =>
  html`<${Table} label="Events" rows=${rows} keyOf=${({ eventId }) => eventId} rowClass=${({ eventId }) => (eventId === query.event ? "open" : undefined)}
    columns=${[
      { title: "Topic", kind: "main", cell: ({ eventId, topic }) =>
          html`<a data-open id=${`row-${eventId}`} href=${address(["events"], { ...query, event: eventId })}><${Text}>${topic}<//></a>` },
      { title: "When", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
      { title: "By", cell: ({ sourceAgent }) => (sourceAgent ? html`<${AgentLink} agent=${sourceAgent} />` : html`<span class="quiet">the bus</span>`) },
      { title: "Job", cell: ({ sourceJobId }) => sourceJobId && html`<${JobLink} job=${sourceJobId}><code class="whole">${shortId(sourceJobId)}</code><//>` },
      { title: "Reason", kind: "wide", cell: ({ reason }) => html`<span class="clamp"><${Text}>${reason}<//></span>` },
      { title: "Size", kind: "number", cell: ({ payloadBytes }) => bytes(payloadBytes) },
    ]} />`;

/** One event with its payload. */
function Event({ id }) {
  const read = useRead("getEvent", { eventId: id });
  return html`<aside class="panel" aria-label="Event">
    <button type="button" class="plain close" aria-label="Close the event" onClick=${() => setQuery({ event: undefined })}>✕</button>
    <${Answer} read=${read} not="The event was not read">
      ${(event) => html`
        <h2><${Text}>${event.topic}<//></h2>
        <p class="quiet">${event.sourceAgent ? html`by <${AgentLink} agent=${event.sourceAgent} />, ` : "by the bus, "}<${Time} at=${event.createdAt} /></p>
        <${Json} value=${event.payload} label="Payload" />
      `}
    <//>
  </aside>`;
}
