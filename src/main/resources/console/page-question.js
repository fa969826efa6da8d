// One question, review or approval: what is asked and why, what happens if nobody answers, and the form that answers it.

import { ask, tell } from "./act.js";
import { call, mayAct } from "./api.js";
import { clockTime } from "./format.js";
import { html, useState } from "./lib.js";
import { Json } from "./json.js";
import { State } from "./marks.js";
import { readAgain, useRead } from "./reads.js";
import { useName } from "./router.js";
import { ActButton, AgentLink, Answer, Facts, JobLink, Problem, Section, Text, Time } from "./ui.js";

const KINDS = { question: "asks", review: "asks for a review", approval: "asks for an approval" };
const SILENCE = {
  stay: () => "The job waits until somebody answers.",
  default: ({ defaultOption }) => `The job goes on with the answer "${defaultOption}".`,
  cancel: () => "The job is cancelled.",
};
const DECISIONS = [
  ["approved", "Approve"],
  ["changes", "Ask for changes"],
  ["rejected", "Reject"],
];
const MOST = 8000;

export default function QuestionPage({ id }) {
  const read = useRead("getQuestion", { questionId: id }, ["questions"]);
  return html`<${Answer} read=${read} not="The question was not read">
    ${(question) => html`<${Question} question=${question} again=${read.again} />`}
  <//>`;
}

function Question({ question, again }) {
  const open = question.status === "open";
  useName(question.question);
  return html`
    <p class="lead">
      <${State} state=${question.status} /> ${question.agentId ? html`<${AgentLink} agent=${question.agentId} />` : html`<${Text}>${question.askedBy}<//>`} ${KINDS[question.kind]}, <${Time} at=${question.askedAt} />
    </p>
    <blockquote class="question"><${Text} lines>${question.question}<//></blockquote>
    <${Facts} facts=${[
      ["Why it matters", question.why && html`<${Text} lines>${question.why}<//>`],
      ["Asked of", question.askedOf && html`<${Text}>${nameOf(question.askedOf)}<//>`],
      ["For the job", question.jobId && html`<${JobLink} job=${question.job ?? { jobId: question.jobId, subject: question.subject }} />`],
      ["If nobody answers", open && html`<${Text}>${SILENCE[question.onSilence]?.(question)}<//>`],
      ["Answer before", question.deadline && html`<${Time} at=${question.deadline} />`],
    ]} />
    ${question.content && html`<${Content} question=${question} />`}
    ${open
      ? html`<${Form} question=${question} again=${again} />`
      : html`<${Outcome} question=${question} />`}
  `;
}

/** Who is asked: a person, a role, or the name itself. */
const nameOf = (askedOf) => (typeof askedOf === "string" ? askedOf : (askedOf.person ?? (askedOf.role && `the role ${askedOf.role}`)));

const Content = ({ question }) => html`<${Section} title="What it is about" id="content">
  ${question.contentHash && html`<p class="quiet">An approval holds for exactly this content, which has the hash <code>${question.contentHash.slice(0, 16)}</code>.</p>`}
  <${Json} value=${question.content} label="Content" />
<//>`;

function Outcome({ question }) {
  const says = [question.decision, question.option, question.answer].filter(Boolean).filter((text, at, all) => all.indexOf(text) === at);
  return html`<${Section} title="What became of it" id="outcome">
    <p>${
      question.answeredAt
        ? html`<${Text}>${question.answeredBy}<//> answered at ${clockTime(question.answeredAt)}:`
        : html`It is ${question.status}; nobody answered it.`
    }</p>
    ${says.map((text) => html`<blockquote key=${text}><${Text} lines>${text}<//></blockquote>`)}
  <//>`;
}

/** The form stays as it is while the page reads again, so that nobody loses what they wrote. */
function Form({ question, again }) {
  const [option, setOption] = useState("");
  const [answer, setAnswer] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!mayAct()) {
    return null;
  }
  const decides = question.kind !== "question";

  const send = async (decision) => {
    setBusy(true);
    setProblem(null);
    try {
      await call("answerQuestion", {
        questionId: question.questionId,
        answer: answer.trim() || option || DECISIONS.find(([key]) => key === decision)?.[1],
        option: option || undefined,
        decision,
        contentHash: question.contentHash,
      });
      tell({ text: "Answered. The job goes back to work with your answer in its prompt.", audit: { jobId: question.jobId } });
    } catch (refusal) {
      setProblem(refusal);
    }
    setBusy(false);
    readAgain();
    await again();
  };
  const look = async () => {
    await again();
    setProblem(null);
  };
  const submit = (event) => {
    event.preventDefault();
    send(decides ? event.submitter.value : undefined);
  };

  return html`<${Section} title="Your answer" id="answer">
    <form class="answer" onSubmit=${submit}>
      ${question.options?.length > 0 &&
      html`<fieldset class="field">
        <legend>Choose one</legend>
        ${question.options.map(
          (each) => html`<label class="option" key=${each}>
            <input type="radio" name="option" required=${answer.trim() === ""} checked=${option === each} onChange=${() => setOption(each)} /> <${Text}>${each}<//>
          </label>`,
        )}
      </fieldset>`}
      <label class="field">
        <span>${question.options?.length > 0 || decides ? "In your words, if there is more to say" : "Answer"}</span>
        <textarea rows="4" maxlength=${MOST} required=${!(question.options?.length > 0 || decides)} value=${answer}
          onInput=${({ target }) => setAnswer(target.value)}></textarea>
      </label>
      <${Problem} problem=${problem} not="Your answer was not taken" look=${look} />
      <div class="actions" data-page-actions>
        ${decides
          ? DECISIONS.map(
              ([decision, label], at) => html`<button type="submit" key=${decision} value=${decision} disabled=${busy}
                class=${at === 0 ? "act" : ""}>${label}</button>`,
            )
          : html`<button type="submit" class="act" disabled=${busy}>${busy ? "Sending …" : "Answer"}</button>`}
        <${ActButton} label="Withdraw the question" onClick=${() =>
          ask({
            title: "Withdraw this question",
            sentence: "Nobody answers it any more. The job goes back to work with your reason in its prompt.",
            operation: "withdrawQuestion",
            input: { questionId: question.questionId },
            audit: { jobId: question.jobId },
          })} />
      </div>
    </form>
  <//>`;
}
