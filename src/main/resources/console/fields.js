// The fields of the action dialog, by the names of the contract.

import { html, useFocus, useState } from "./lib.js";
import { useRead } from "./reads.js";
import { words } from "./format.js";

/** What the dialog asks for a field of the contract: its label, its kind, and its limits. */
const KNOWN = {
  reason: { label: "Reason, in one line", kind: "line", maxlength: 1000 },
  answer: { label: "Answer", kind: "lines", maxlength: 8000 },
  option: { label: "Answer", kind: "choice" },
  decision: { label: "Decision", kind: "choice", options: ["approved", "changes", "rejected"] },
  priority: { label: "Priority, 1 to 1000; higher goes first", kind: "number", min: 1, max: 1000 },
  seconds: { label: "Seconds", kind: "number", min: 10, max: 604800 },
  targetAgent: { label: "Agent", kind: "agent" },
  person: { label: "Who takes the decision", kind: "line", maxlength: 200 },
  despite: { label: "Why to go on although the gate is not met", kind: "line", maxlength: 1000 },
  until: { label: "Until; empty means until somebody resumes", kind: "time", optional: true },
  notes: { label: "Why; the author reads it", kind: "lines", maxlength: 2000 },
  subject: { label: "Subject, which the agent must accept", kind: "subject" },
  into: { label: "The opportunity that remains", kind: "opportunity" },
  whyNow: { label: "Why now: what has changed", kind: "lines", maxlength: 4000 },
  ifNothing: { label: "What happens if nothing is done", kind: "lines", maxlength: 4000 },
  suggestedNextStep: { label: "The smallest next step", kind: "lines", maxlength: 4000 },
  impactScore: { label: "Impact, 1 to 5: how much it changes", kind: "number", min: 1, max: 5 },
  confidenceScore: { label: "Confidence, 1 to 5: how sure you are", kind: "number", min: 1, max: 5 },
  urgencyScore: { label: "Urgency, 1 to 5; 5 is told to people at once", kind: "number", min: 1, max: 5 },
  reversibility: { label: "How easily the step is undone", kind: "choice", options: ["high", "medium", "low"] },
  ownerCandidate: { label: "The agent that would do it", kind: "agent" },
  evidence: { label: "Evidence", kind: "evidence" },
};

/**
 * One field of the action dialog.
 *
 * @param field its name, and what differs from the usual: label, kind, options, optional
 * @param first whether it gets the focus when the dialog opens
 * @param act the act that is asked for; its input may name the question that has the options
 * @param values the values of all fields of the dialog
 * @param value the value now
 * @param onChange receives the value
 */
export function Field({ field, first, act, values, value, onChange }) {
  const known = { label: words(field.name), kind: "line", ...KNOWN[field.name], ...field };
  const Kind = KINDS[known.kind];
  return html`<${Kind} known=${known} first=${first} act=${act} values=${values} value=${value} onChange=${onChange} />`;
}

const Line = ({ known, first, value, onChange }) => html`<label class="field">
  <span>${known.label}</span>
  <input ref=${useFocus(first)} autofocus=${first} value=${value} required=${!known.optional} maxlength=${known.maxlength} autocomplete="off"
    onInput=${({ target }) => onChange(target.value)} />
</label>`;

const Lines = ({ known, first, value, onChange }) => html`<label class="field">
  <span>${known.label}</span>
  <textarea ref=${useFocus(first)} autofocus=${first} rows="4" required=${!known.optional} maxlength=${known.maxlength} value=${value}
    onInput=${({ target }) => onChange(target.value)}></textarea>
</label>`;

const Number = ({ known, first, value, onChange }) => html`<label class="field">
  <span>${known.label}</span>
  <input ref=${useFocus(first)} autofocus=${first} type="number" min=${known.min} max=${known.max} value=${value} required=${!known.optional}
    onInput=${({ target }) => onChange(target.value === "" ? "" : target.valueAsNumber)} />
</label>`;

/** A time of the viewer's zone; the value is the time of the contract. */
const Time = ({ known, first, onChange }) => html`<label class="field">
  <span>${known.label}</span>
  <input ref=${useFocus(first)} autofocus=${first} type="datetime-local" required=${!known.optional}
    onInput=${({ target }) => onChange(target.value === "" ? "" : new Date(target.value).toISOString())} />
</label>`;

/** One of a few answers. Those of a question are read from it. */
function Choice({ known, first, act, value, onChange }) {
  const questionId = known.options ? undefined : act.input?.questionId;
  const question = useRead(questionId ? "getQuestion" : null, { questionId });
  const options = known.options ?? question.answer?.options ?? [];
  const element = useFocus(first);
  if (questionId && !question.answer) {
    return html`<p class="quiet" role="status">Reading the answers that are possible …</p>`;
  }
  if (options.length === 0) {
    return html`<${Line} known=${known} first=${first} value=${value} onChange=${onChange} />`;
  }
  return html`<fieldset class="field">
    <legend>${known.label}</legend>
    ${options.map(
      (option, index) => html`<label class="option" key=${option}>
        <input type="radio" name=${known.name} required=${!known.optional} ref=${index === 0 ? element : undefined}
          checked=${value === option} onChange=${() => onChange(option)} />
        <bdi>${option}</bdi>
      </label>`,
    )}
  </fieldset>`;
}

function Agent({ known, first, value, onChange }) {
  const agents = useRead("listAgents");
  return html`<label class="field">
    <span>${known.label}</span>
    <select ref=${useFocus(first)} autofocus=${first} value=${value} required=${!known.optional} onChange=${({ target }) => onChange(target.value)}>
      <option value="">${known.optional ? "none" : "Choose an agent"}</option>
      ${agents.answer?.agents.map(({ agentId }) => html`<option key=${agentId} value=${agentId}>${agentId}</option>`)}
    </select>
  </label>`;
}

/** A subject; those that the chosen agent accepts are offered. */
function Subject({ known, first, values, value, onChange }) {
  const agent = useRead(values.targetAgent ? "getAgent" : null, { agentId: values.targetAgent }).answer;
  return html`<label class="field">
    <span>${known.label}</span>
    <input ref=${useFocus(first)} autofocus=${first} list="accepted" value=${value} required maxlength="200" autocomplete="off" spellcheck="false"
      onInput=${({ target }) => onChange(target.value.trim())} />
    <datalist id="accepted">${agent?.accepts?.map((subject) => html`<option key=${subject} value=${subject} />`)}</datalist>
  </label>`;
}

/** The rows that a field of this kind offers: the operation, its input, what a row is in words, and the field that names the row of the act. */
const ROWS = {
  opportunity: { operation: "listOpportunities", input: { status: "new,triaged,accepted", limit: 200 }, rows: "opportunities", id: "opportunityId", own: "opportunityId", noun: "open opportunity", by: "sourceAgent" },
  memory: { operation: "listMemories", input: { status: "active", limit: 200 }, rows: "memories", id: "memoryId", own: "supersedesMemoryId", noun: "active memory", by: "promotedBy" },
};

/** Another row of the same kind as the one that the act is about. */
function Other({ known, first, act, value, onChange }) {
  const { operation, input, rows, id, own, noun, by } = ROWS[known.kind];
  const read = useRead(operation, input);
  const others = read.answer?.[rows].filter((row) => row[id] !== act.input[own]);
  return html`<label class="field">
    <span>${known.label}</span>
    <select ref=${useFocus(first)} autofocus=${first} value=${value} required onChange=${({ target }) => onChange(target.value)}>
      <option value="">${others?.length === 0 ? `There is no other ${noun}` : "Choose one"}</option>
      ${others?.map((row) => html`<option key=${row[id]} value=${row[id]}>${row.title} (${row[by]})</option>`)}
    </select>
  </label>`;
}

const EVIDENCE = [
  ["job", "a job of this bus"],
  ["event", "an event of this bus"],
  ["slot", "a slot of a standing order"],
  ["url", "a page that you have just read"],
];

/** One entry of evidence: a thing of the bus by its id, or a page by its address. */
function Evidence({ known, first, onChange }) {
  const [kind, setKind] = useState("job");
  const [names, setNames] = useState("");
  const change = (nextKind, nextNames) => {
    setKind(nextKind);
    setNames(nextNames);
    const named = nextNames.trim();
    const entry = nextKind === "url" ? { kind: nextKind, url: named, lookedAt: new Date().toISOString() } : { kind: nextKind, id: named };
    onChange(named === "" ? "" : [entry]);
  };
  return html`<fieldset class="field evidence">
    <legend>${known.label}${known.optional ? ", if there is more than the idea has" : ""}</legend>
    <select ref=${useFocus(first)} aria-label="Kind of evidence" value=${kind} onChange=${({ target }) => change(target.value, names)}>
      ${EVIDENCE.map(([each, word]) => html`<option key=${each} value=${each}>${word}</option>`)}
    </select>
    <input aria-label=${kind === "url" ? "Address of the page" : "Its id"} placeholder=${kind === "url" ? "https://…" : "its whole id"} value=${names}
      required=${!known.optional} maxlength="2000" autocomplete="off" spellcheck="false" onInput=${({ target }) => change(kind, target.value)} />
  </fieldset>`;
}

const KINDS = { line: Line, lines: Lines, number: Number, time: Time, choice: Choice, agent: Agent, subject: Subject, opportunity: Other, memory: Other, evidence: Evidence };
