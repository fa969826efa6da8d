// The fields of the action dialog, by the names of the contract.

import { html, useFocus } from "./lib.js";
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
};

/**
 * One field of the action dialog.
 *
 * @param field its name, and what differs from the usual: label, kind, options, optional
 * @param first whether it gets the focus when the dialog opens
 * @param act the act that is asked for; its input may name the question that has the options
 * @param value the value now
 * @param onChange receives the value
 */
export function Field({ field, first, act, value, onChange }) {
  const known = { label: words(field.name), kind: "line", ...KNOWN[field.name], ...field };
  const Kind = KINDS[known.kind];
  return html`<${Kind} known=${known} first=${first} act=${act} value=${value} onChange=${onChange} />`;
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
    <select ref=${useFocus(first)} autofocus=${first} value=${value} required onChange=${({ target }) => onChange(target.value)}>
      <option value="">Choose an agent</option>
      ${agents.answer?.agents.map(({ agentId }) => html`<option key=${agentId} value=${agentId}>${agentId}</option>`)}
    </select>
  </label>`;
}

const KINDS = { line: Line, lines: Lines, number: Number, time: Time, choice: Choice, agent: Agent };
