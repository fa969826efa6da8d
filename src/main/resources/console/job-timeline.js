// The timeline of a job: each change of its state with its time, its actor and the words that were given, from the audit log.

import { duration, sentence, words } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { address } from "./router.js";
import { Text, Time } from "./ui.js";

/**
 * The timeline.
 *
 * @param job the answer of getJob
 * @param rows the audit rows of the job, newest first; undefined while they are not known
 * @param questions the questions of the job
 */
export function Timeline({ job, rows, questions }) {
  const steps = stepsOf(job, rows ?? [], questions ?? []);
  return html`<ol class="timeline">
    ${steps.map((step, index) => html`<li key=${step.key} class=${step.state ? "moved" : ""}>
      <span class="when"><${Time} at=${step.at} />${index > 0 && html`<span class="quiet small"> +${between(steps[index - 1], step)}</span>`}</span>
      <div>
        <p>${step.state ? html`<${State} state=${step.state} word=${step.title} />` : html`<strong>${step.title}</strong>`}
          ${step.actor && html` <span class="quiet">by <${Text}>${step.actor}<//></span>`}</p>
        ${step.text && html`<p><${Text} lines>${step.text}<//></p>`}
        ${step.href && html`<p><a href=${step.href}>${step.link}</a></p>`}
      </div>
    </li>`)}
  </ol>`;
}

const between = (one, other) => duration((Date.parse(other.at) - Date.parse(one.at)) / 1000);

/** The steps, oldest first: audit rows, the words of the attempts that ended, and questions. */
function stepsOf(job, rows, questions) {
  const attempts = new Map(job.attempts.map((attempt) => [Number(attempt.attemptNo), attempt]));
  const audited = rows.map((row) => stepOf(row, attempts));
  const asked = questions.flatMap(questionSteps);
  const steps = rows.length > 0 ? [...audited, ...asked] : [...withoutAudit(job), ...asked];
  return steps.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function stepOf({ auditId, at, action, actor, why, detail }, attempts) {
  const state = detail?.to;
  const attempt = attempts.get(Number(detail?.attemptNo));
  const ended = attempt && ["succeeded", "blocked", "failed", "dead", "queued"].includes(state) && detail.from !== "blocked";
  return {
    key: `audit-${auditId}`,
    at,
    actor,
    state,
    title: titleOf(action, state, detail),
    text: (ended && (attempt.summary ?? attempt.error)) || (why ? sentence(why) : undefined),
  };
}

function titleOf(action, state, detail) {
  const name = words(action.split(".").slice(1).join(" "));
  const number = Number(detail?.attemptNo ?? 0);
  const attempt = number > 0 && ["leased", "running"].includes(state) ? `, attempt ${number}` : "";
  return `${name === "enqueued" && state !== "queued" ? `enqueued, ${state}` : name}${attempt}`;
}

const questionSteps = ({ questionId, kind, question, askedAt, answeredAt, answer, option, decision, answeredBy, status }) => [
  { key: `asked-${questionId}`, at: askedAt, title: `${kind} asked`, text: question, href: address(["questions", questionId]), link: "Open the question" },
  ...(answeredAt ? [{ key: `answered-${questionId}`, at: answeredAt, title: status, actor: answeredBy, text: decision ?? option ?? answer }] : []),
];

/** What the job itself tells, while the audit log is not read or has no row any more. */
const withoutAudit = (job) => [
  { key: "created", at: job.createdAt, state: "queued", title: "enqueued", actor: job.sourceAgent },
  ...job.attempts.flatMap((attempt) => [
    { key: `start-${attempt.attemptNo}`, at: attempt.startedAt, state: "leased", title: `attempt ${attempt.attemptNo}`, actor: attempt.gateway },
    ...(attempt.finishedAt
      ? [{ key: `end-${attempt.attemptNo}`, at: attempt.finishedAt, state: attempt.status, title: words(attempt.status), text: attempt.summary ?? attempt.error }]
      : []),
  ]),
];
