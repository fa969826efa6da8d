// Needs me: what only a person can move on, the oldest first, each with its acts in place.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { jobsWhere } from "./filter.js";
import { count, counted, midnight, now, relative, sentence, words } from "./format.js";
import { needsRead } from "./frame.js";
import { Json } from "./json.js";
import { html, useCell } from "./lib.js";
import { Shape } from "./marks.js";
import { useRead } from "./reads.js";
import { address, go } from "./router.js";
import { ActButton, Answer, Since, Text, Time, Words } from "./ui.js";

const SHAPES = {
  question: "question", approval: "question", review: "question", blocked: "bar", dead: "dagger", order_missed: "cross",
  order_failing: "cross", lane_stopped: "square", gateway: "pause", dispatcher: "cross", paused: "pause", database: "cross", frozen: "lock", bulk: "half", phase: "half", route: "square",
  urgent: "bar", anomaly: "cross", critical_path: "bar",
  memory_wrong: "cross", memory_conflict: "half", memory_candidate: "lock", memory_review: "half",
  vault_edited: "half", vault_failed: "cross", vault_diverged: "cross",
};
const TROUBLE = ["dead", "order_missed", "order_failing", "lane_stopped", "dispatcher", "database", "route", "anomaly", "critical_path", "vault_failed", "vault_diverged"];

export default function NeedsMe() {
  const read = useRead(...needsRead());
  return html`<${Answer} read=${read} not="The list of what needs you was not read">
    ${(answer) => answer.items.length === 0
      ? html`<${Quiet} quiet=${answer.quiet} at=${answer.measuredAt} lead />`
      : html`<${Items} answer=${answer} />`}
  <//>`;
}

const Items = ({ answer }) => html`
  <p class="quiet">${counted(answer.count, "thing", answer.more)} ${Number(answer.count) === 1 ? "needs" : "need"} a person; the oldest is first.</p>
  <ol class="needs">${answer.items.map((item) => html`<${Item} key=${item.id} item=${item} />`)}</ol>
  <${Quiet} quiet=${answer.quiet} at=${answer.measuredAt} />`;

function Item({ item }) {
  const tone = TROUBLE.includes(item.kind) ? "trouble" : "attention";
  return html`<li data-row=${item.id}>
    <span class=${tone}><${Shape} name=${SHAPES[item.kind]} size=${18} /><span class="hidden">${words(item.kind)}</span></span>
    <div>
      <h2><a href=${placeOf(item)} id=${`row-${item.id}`} data-open><${Sentence} item=${item} /></a></h2>
      ${item.why && html`<p>Why: <${Text} lines>${item.why}<//></p>`}
      ${item.content && html`<details><summary class="quiet">What it is about</summary><${Json} value=${item.content} label="What it is about" /></details>`}
      <p class="quiet">for <${Since} at=${item.since} />${item.ifNobodyActs && html` · <${Words}>${sentence(item.ifNobodyActs)}<//>`}</p>
    </div>
    ${mayAct() && html`<div class="actions" data-actions tabindex="-1">
      ${unseen(item)
        ? html`<a class="button" href=${placeOf(item)}>Read it and decide</a>`
        : item.actions.map(
            (action) => html`<${ActButton} key=${action.label} label=${action.label} danger=${action.danger} onClick=${() => ask(actOf(item, action))} />`,
          )}
    </div>`}
  </li>`;
}

/** Whether a decision holds for content that the item does not show, because it is long; its page shows it. */
const unseen = ({ actions, content }) => !content && actions.some(({ input }) => input.contentHash);

/** The sentence, with the name of its subject in bold. */
function Sentence({ item: { sentence: text, agentId, orderName, gateway } }) {
  const names = [agentId, orderName, gateway].filter(Boolean);
  const name = names.find((candidate) => wholeWord(text, candidate) >= 0);
  if (!name) return html`<${Words}>${text}<//>`;
  const at = wholeWord(text, name);
  return html`<${Words}>${text.slice(0, at)}<//><strong><${Text}>${name}<//></strong><${Words}>${text.slice(at + name.length)}<//>`;
}

/** The place of a name that is no part of a longer name, such as the agent in the name of its order; -1 for none. */
function wholeWord(text, name) {
  const inName = (character) => /[a-z0-9-]/.test(character ?? "");
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!inName(text[at - 1]) && !inName(text[at + name.length])) return at;
  }
  return -1;
}

/** The page that shows the evidence of an item. */
function placeOf({ kind, questionId, opportunityId, candidateId, memoryId, jobId, count: jobs, agentId, orderName, gateway }) {
  if (questionId) {
    return address(["questions", questionId]);
  }
  if (opportunityId) {
    return address(["opportunities", opportunityId]);
  }
  if (candidateId) {
    return address(["memory-candidates", candidateId]);
  }
  if (memoryId) {
    return address(["memories", memoryId]);
  }
  if (jobs > 1 && (kind === "dead" || kind === "blocked")) {
    return jobsWhere({ state: kind, targetAgent: agentId });
  }
  if (jobId) {
    return address(["jobs", jobId]);
  }
  if (orderName) {
    return address(["orders", orderName]);
  }
  if (gateway) {
    return address(["gateways"]);
  }
  return agentId ? address(["agents", agentId]) : address(["overview"]);
}

/** An action of an item, as the dialog asks for it. */
const actOf = (item, action) => ({
  title: action.input.option ? `Answer “${action.label}”` : action.label,
  content: item.content,
  sentence: item.sentence,
  operation: action.operation,
  input: action.input,
  fields: action.needs.map((name) => ({ name })),
  count: item.count,
  danger: action.danger,
  audit: item.jobId ? { jobId: item.jobId } : {},
  // The page of the candidate shows the memory that says otherwise.
  then: ({ promoted }) => promoted === false && go(address(["memory-candidates", item.candidateId])),
});

/** What goes on by itself; each number leads to the rows that it counts. */
function Quiet({ quiet, at, lead = false }) {
  useCell(now);
  if (!quiet) {
    return null;
  }
  return html`<p class=${lead ? "lead" : "calm quiet"}>
    ${lead && html`<strong>Nothing needs you.</strong> `}
    <a href=${jobsWhere({ state: "leased,running" })}>${counted(quiet.atWork, "job")} at work</a>${", "}
    <a href=${jobsWhere({ state: "succeeded", since: midnight() })}>${count(quiet.doneSinceMidnight)} done since midnight</a>
    ${quiet.nextOrderAt && html`, <a href=${address(["orders", quiet.nextOrder])}>next order ${relative(quiet.nextOrderAt)}</a>`}.
    ${at && html` <span class="quiet">Read <${Time} at=${at} inRow />.</span>`}
  </p>`;
}
