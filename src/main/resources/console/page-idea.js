// One idea: what moves it next, the acts on it, its text, and what it rests on.

import { ask } from "./act.js";
import { Author, Evidence } from "./evidence.js";
import { sentence } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { actsOnIdea } from "./proposal-acts.js";
import { laneIsOn, ThemeLink } from "./proposals.js";
import { useRead } from "./reads.js";
import { address, go, useName } from "./router.js";
import { ActButton, Answer, Facts, Id, Section, Text, Time } from "./ui.js";

export default function IdeaPage({ id }) {
  const read = useRead("getIdea", { ideaId: id }, ["proposals"]);
  return html`<${Answer} read=${read} not="The idea was not read">${(idea) => html`<${Whole} idea=${idea} />`}<//>`;
}

function Whole({ idea }) {
  useName(idea.title);
  const acts = actsOnIdea(idea, ({ opportunity }) => go(address(["opportunities", opportunity.opportunityId])));
  return html`
    <p class="lead"><${State} state=${idea.status} word=${idea.status === "promoted_to_opportunity" ? "promoted" : undefined} /> <span class="title"><${Text}>${idea.title}<//></span></p>
    <p class="next"><${Next} idea=${idea} /></p>
    ${acts.length > 0 && html`<div class="bar" role="toolbar" aria-label="Acts on this idea" data-page-actions>
      ${acts.map((act) => html`<${ActButton} key=${act.label} label=${act.label} danger=${act.danger} onClick=${() => ask(act)} />`)}
    </div>`}
    <${Section} id="idea" title="The idea">
      <p class="prose"><${Text} lines>${idea.body}<//></p>
      <${Facts} facts=${[
        ["Theme", html`<${ThemeLink} page="ideas" theme=${idea.theme} />`],
        ["Tags", idea.tags?.length > 0 && html`<ul class="names">${idea.tags.map((tag) => html`<li key=${tag}><a href=${address(["ideas"], { tag })}><${Text}>${tag}<//></a></li>`)}</ul>`],
        ["By", html`<${Author} row=${idea} />, <${Time} at=${idea.createdAt} />`],
        ["Dedupe key", idea.dedupeKey && html`<${Text}>${idea.dedupeKey}<//>`],
        ["Id", html`<${Id} id=${idea.ideaId} />`],
      ]} />
    <//>
    ${idea.notes && html`<${Section} id="review" title=${idea.status === "archived" ? "Why it was archived" : "Newest review"}>
      <p>${idea.reviewedBy && html`<span class="quiet"><${Text}>${idea.reviewedBy}<//>, <${Time} at=${idea.reviewedAt} />: </span>`}<${Text} lines>${sentence(idea.notes)}<//></p>
    <//>`}
    <${Evidence} entries=${idea.evidence} />
    <${Section} id="records" title="Records">
      <p class="records"><a href=${address(["audit"], { table: "ideas", rowId: idea.ideaId })}>Audit of this idea</a></p>
    <//>
  `;
}

/** What moves the idea next. */
function Next({ idea: { status, opportunityId, endedAt } }) {
  if (status === "promoted_to_opportunity") {
    return html`It became <a href=${address(["opportunities", opportunityId])}>an opportunity</a>, <${Time} at=${endedAt} />.`;
  }
  if (status === "archived") {
    return html`Archived <${Time} at=${endedAt} />. Nothing moves it any more.`;
  }
  return laneIsOn()
    ? "Any agent may take it up. The bus archives it when nobody touches it for 14 days."
    : html`<span class="attention">Phase 3 of the bus is off, so nobody can take it up.</span>`;
}
