// Parts that the pages of memories, candidates and reviews share: the way between them, the state of the lane, what a memory
// is about and who may read it, and two texts side by side.

import { phaseIsOn } from "./api.js";
import { counted, words } from "./format.js";
import { html } from "./lib.js";
import { useRead } from "./reads.js";
import { address, go, route } from "./router.js";
import { PromotionAct } from "./stops.js";
import { Choice, Text, Time } from "./ui.js";

/** The phase of the bus that has memories. Below it they are only kept, and people can still end them. */
const PHASE = 4;

export const KINDS = ["decision", "preference", "pattern", "mistake", "lesson", "playbook", "constraint", "entity_fact", "context"];
export const SCOPES = ["global", "agent", "project", "person", "service"];
export const VISIBILITIES = ["shared", "role", "private"];

/** Whether the bus takes candidates and puts memories into prompts. */
export const memoryIsOn = () => phaseIsOn(PHASE);

const VIEWS = [["memories", "Memories"], ["memory-candidates", "Candidates"], ["memory-reviews", "Reviews"]];

/** The choice between memories, candidates and reviews. */
export const Views = () => {
  const [shown] = route.get().path;
  return html`<${Choice} label="Memory" value=${shown} options=${VIEWS} onChange=${(next) => next !== shown && go(address([next]))} />`;
};

/** Says that the lane is off, or that promotions are frozen: by whom, since when and why. It has the act that freezes or unfreezes. */
export function Lane() {
  const pauses = useRead("listPauses", {}, ["agents", "gateways", "jobs"]).answer?.pauses ?? [];
  const freeze = pauses.find(({ kind }) => kind === "promotions");
  return html`
    ${!memoryIsOn() &&
    html`<p class="attention" role="status">Phase 4 of the bus is off: no prompt gets a memory, and nothing is proposed or promoted. The memories are kept, and people can still end them.</p>`}
    ${freeze &&
    html`<p class="attention" role="status">Promotions are frozen by <${Text}>${freeze.by}<//> since <${Time} at=${freeze.since} />: <${Text}>${freeze.reason}<//></p>`}
  `;
}

/** The button that freezes or unfreezes promotions, at the end of the tools of a page. */
export function Freeze() {
  const pauses = useRead("listPauses", {}, ["agents", "gateways", "jobs"]).answer?.pauses;
  return pauses && html`<div class="actions" data-page-actions><${PromotionAct} pauses=${pauses} /></div>`;
}

/** What a memory is about, as a link to the list of all that are about it. */
export function About({ row: { scope, subjectKey }, page = "memories" }) {
  return scope === "global"
    ? "everything"
    : html`<a class="name" href=${address([page], { scope, subjectKey })}>${scope} <${Text}>${subjectKey}<//></a>`;
}

/** Who may read it. */
export const Readers = ({ row: { visibility, ownerAgent } }) =>
  visibility === "shared" ? "every agent" : html`${visibility === "role" ? "role" : "only"} <${Text}>${ownerAgent}<//>`;

/** A mark of text that comes from outside; nothing for the other. */
export const Trust = ({ row: { trust } }) => trust === "untrusted" && html` <span class="attention">from outside</span>`;

/** One memory or candidate in short: the title as a link, and the text below it. */
export const Named = ({ page, id, row }) =>
  html`<a data-open id=${`row-${id}`} href=${address([page, id])}><span class="clamp"><${Text}>${row.title}<//></span></a>
    <span class="quiet clamp"><${Text}>${row.body}<//></span>`;

/**
 * Texts beside each other, so that a person sees where they differ.
 *
 * @param texts each with id, page (of the link; none in a dialog), says (its role in words), title, body
 */
export const Sides = ({ texts }) =>
  html`<div class="sides">
    ${texts.map(
      ({ id, page, says, title, body }) => html`<section key=${id}>
        <h3>${says}</h3>
        <p>${page ? html`<a href=${address([page, id])}><${Text}>${title}<//></a>` : html`<strong><${Text}>${title}<//></strong>`}</p>
        <p class="prose"><${Text} lines>${body}<//></p>
      </section>`,
    )}
  </div>`;

const UNUSED = { injected: 0, used: 0, irrelevant: 0, wrong: 0, helped: 0, hurt: 0 };

/** The counters of a memory; zeros before its first prompt. */
export const usesOf = (row) => ({ ...UNUSED, ...row.uses });

/** How often a memory stood in a prompt and was used, in short; a search does not tell it. */
export const usedOf = (row) => {
  const { injected, used } = usesOf(row);
  if (!row.uses) {
    return html`<span class="quiet">–</span>`;
  }
  return Number(injected) === 0 ? "no prompt" : `${used} of ${counted(injected, "prompt")}`;
};

/** The choices of a filter: all first. */
export const choices = (names) => [["", "all"], ...names.map((name) => [name, words(name)])];
