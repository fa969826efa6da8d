// The dialog of every act: it repeats what will happen and to how many, asks for the reason, shows a refusal in words,
// and leaves a note with the audit row and, where an act has an inverse, ten seconds to undo it.

import { call, namespaceOfPage, session } from "./api.js";
import { Field } from "./fields.js";
import { count, counted, plural, sentence } from "./format.js";
import { Json } from "./json.js";
import { cell, html, useCell, useModal, useState } from "./lib.js";
import { State } from "./marks.js";
import { readAgain, useRead } from "./reads.js";
import { address, namespaceInUrl, route } from "./router.js";
import { Problem, Text } from "./ui.js";

/** Above this number of rows the person types the number. */
const TYPED_ABOVE = 100;
const UNDO_MS = 10000;

/** The act that the dialog asks about, or null. */
const asked = cell(null);

/** The act that is being done, or null. Its dialog stays until the answer is there, so that somebody sees a refusal. */
let working = null;

/** The note about the last act, or null. */
const note = cell(null);

/**
 * Asks for an act.
 *
 * @param act title (the verb and its object, as on the button), sentence (the consequence), operation, and either input
 *     or inputs (one call for each); fields (each with name and maybe label, options, value, optional; default: reason);
 *     danger; content (what the act is about, as JSON) or view (the same as elements); preview (the input of a read that counts the rows and shows some of
 *     them, with verb before their number); counts (that read, if it is not previewBulkAction: operation, noun, and of(answer) with count, capped, says
 *     and samples); undo(answer, values) returns {operation, input}; audit (the query of the audit page); then(answer, values) runs after success. Instead of an operation it may have choices (each with label, danger
 *     and run), which lead on to other acts. The act and its undo hold in the namespace that the page shows now, wherever the page goes meanwhile
 */
export function ask(act) {
  const where = session.get()?.namespaces?.length > 1 ? ` in ${namespaceOfPage()}` : "";
  asked.set({ ...act, title: `${act.title}${where}`, namespace: namespaceInUrl() ?? null });
}

/** Closes the dialog, unless its act is being done. */
function leave() {
  if (!working) {
    asked.set(null);
  }
}

// The page below is another one then.
addEventListener("popstate", leave);

// The browser asks before it throws away what was typed into the dialog.
addEventListener("beforeunload", (event) => {
  const boxes = document.querySelectorAll("dialog.act[open] :is(input, textarea)");
  if ([...boxes].some(({ value, defaultValue }) => value !== defaultValue)) {
    event.preventDefault();
  }
});

/** The one dialog. It is always there, and open while an act is asked for. */
export function ActDialog() {
  const act = useCell(asked);
  const dialog = useModal(Boolean(act));
  const onClose = () => {
    if (dialog.current.open) {
      // It was opened again, for another act.
      return;
    }
    leave();
    if (working) {
      // A browser lets the second Esc through.
      dialog.current.showModal();
    }
  };
  return html`<dialog ref=${dialog} class=${`act${act?.view ? " wide" : ""}`} onCancel=${(event) => working && event.preventDefault()} onClose=${onClose} aria-labelledby="act-title">
    ${act && html`<${ActForm} act=${act} key=${act} />`}
  </dialog>`;
}

function ActForm({ act }) {
  const fields = act.choices ? [] : (act.fields ?? [{ name: "reason" }]);
  const counts = act.counts ?? JOBS;
  const [values, setValues] = useState(() => Object.fromEntries(fields.map(({ name, value }) => [name, value ?? ""])));
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(0);
  const [refusals, setRefusals] = useState([]);
  const preview = useRead(act.preview ? counts.operation : null, act.preview ?? {});
  const found = preview.answer && counts.of(preview.answer);
  const rows = act.preview ? found?.count : (act.count ?? act.inputs?.length);
  const mustType = rows > TYPED_ABOVE;
  const none = act.preview && rows === 0;

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setRefusals([]);
    working = act;
    const outcome = await perform(act, values, setDone);
    working = null;
    setBusy(false);
    readAgain();
    if (outcome.refusals.length > 0) {
      setRefusals(outcome.refusals);
      return;
    }
    asked.set(null);
    announce(act, values, outcome);
    act.then?.(outcome.answer, values);
  };

  return html`<form onSubmit=${submit}>
    <h2 id="act-title">${act.title}</h2>
    ${act.sentence && html`<p><${Text} lines>${act.sentence}<//></p>`}
    ${act.content && html`<${Json} value=${act.content} label="What it is about" />`}
    ${act.view}
    ${act.preview && html`<${Preview} read=${preview} noun=${counts.noun} found=${found} />`}
    ${fields.map(
      (field, index) => html`<${Field} key=${field.name} field=${field} first=${index === 0} act=${act} values=${values} value=${values[field.name]}
        onChange=${(value) => setValues((before) => ({ ...before, [field.name]: value }))} />`,
    )}
    ${mustType && html`<label class="field">
      <span>Type ${String(rows)} to confirm ${counted(rows, "row", found?.capped)}</span>
      <input inputmode="numeric" autocomplete="off" value=${typed} onInput=${({ target }) => setTyped(target.value)} required pattern=${String(rows)} />
    </label>`}
    ${busy && act.inputs && html`<progress max=${act.inputs.length} value=${done} aria-label="Done so far"></progress>`}
    <${Refusals} refusals=${refusals} all=${act.inputs?.length ?? 1} />
    <footer>
      <button type="button" onClick=${leave} disabled=${busy}>Leave it</button>
      ${act.choices
        ? act.choices.map(({ label, danger, run }) => html`<button type="button" key=${label} class=${danger ? "act danger" : "act"} onClick=${run}>${label}</button>`)
        : html`<button type="submit" class=${act.danger ? "act danger" : "act"} disabled=${busy || none || (mustType && typed !== String(rows))}>
            ${busy ? "Working …" : act.preview && rows ? `${act.verb} ${counted(rows, counts.noun, found.capped)}` : act.title}
          </button>`}
    </footer>
  </form>`;
}

/** Calls the operation for each input. Returns the last answer, the number of calls that succeeded, and the refusals. */
async function perform(act, values, onDone) {
  const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  const outcome = { answer: undefined, worked: 0, refusals: [] };
  for (const input of act.inputs ?? [act.input ?? {}]) {
    try {
      outcome.answer = await call(act.operation, { ...input, ...filled }, { namespace: act.namespace });
      outcome.worked += 1;
      onDone(outcome.worked);
    } catch (problem) {
      outcome.refusals.push({ input, problem });
    }
  }
  return outcome;
}

function Refusals({ refusals, all }) {
  if (refusals.length === 0) {
    return null;
  }
  if (all === 1) {
    return html`<${Problem} problem=${refusals[0].problem} not="Nothing was changed" look=${leave} />`;
  }
  const unsure = refusals.filter(({ problem }) => problem.unsure).length;
  const refused = refusals.length - unsure;
  const says = [
    refused > 0 && `${count(refused)} of ${count(all)} were refused`,
    unsure > 0 && `whether ${count(unsure)} of ${count(all)} were done is not known`,
    "the others are done",
  ];
  return html`<div class="problem" role="alert">
    <p><strong>${sentence(says.filter(Boolean).join("; "))}</strong></p>
    <ul>${refusals.slice(0, 5).map(({ input, problem }) => html`<li key=${input.jobId}><${Text}>${problem.message}<//></li>`)}</ul>
  </div>`;
}

/** The read that counts the jobs of a bulk action. */
const JOBS = {
  operation: "previewBulkAction",
  noun: "job",
  of: ({ count: number, countCapped, fits, samples }) => ({
    count: number,
    capped: countCapped,
    says: `match now and are ${fits?.join(", ")}. Jobs that arrive later are left alone.`,
    samples: samples?.map((job) => html`<li key=${job.jobId}><${State} state=${job.state} /> <${Text}>${job.subject}<//> for <${Text}>${job.targetAgent}<//></li>`),
  }),
};

/** How many rows match, and some of them. */
function Preview({ read, noun, found }) {
  if (read.problem) {
    return html`<${Problem} problem=${read.problem} not=${`The ${plural(noun)} that match were not counted`} again=${read.again} />`;
  }
  if (!found) {
    return html`<p class="quiet" role="status">Counting the ${plural(noun)} that match …</p>`;
  }
  return html`<div class="preview">
    <p><strong>${counted(found.count, noun, found.capped)}</strong> ${found.says}</p>
    <ul class="plain">${found.samples}</ul>
  </div>`;
}

/** Leaves the note about an act that was done. */
function announce(act, values, { answer, worked }) {
  const unchanged = answer?.changed === false || answer?.created === false;
  const inverse = !unchanged && worked === 1 && act.undo?.(answer, values);
  tell({
    text: answer?.promoted === false
      ? "Not promoted: a memory says otherwise."
      : unchanged ? `Nothing changed: it was so already. ${act.title}` : `Done: ${act.title}.`,
    audit: act.audit ?? (act.input?.jobId ? { jobId: act.input.jobId } : {}),
    undo: inverse && { ...inverse, namespace: act.namespace, reason: `undone within ten seconds: ${values.reason ?? act.title}` },
  });
}

/**
 * Leaves a note for ten seconds.
 *
 * @param words text; audit (the query of the audit page, whose job the note links to) and maybe undo
 */
export function tell(words) {
  const at = Date.now();
  note.set({ ...words, at });
  setTimeout(() => note.get()?.at === at && note.set(null), UNDO_MS);
}

/** The note about the last act, at the foot of the page. */
export function ActNote() {
  const current = useCell(note);
  const { path } = useCell(route);
  const undo = async () => {
    const { operation, input, reason, namespace } = current.undo;
    try {
      await call(operation, { ...input, reason }, { namespace });
      note.set({ text: "Undone.", audit: current.audit, at: current.at });
    } catch (problem) {
      note.set({ text: `${problem.unsure ? "Whether this was undone is not known" : "Not undone"}: ${sentence(problem.message)}`, audit: current.audit, at: current.at });
    }
    readAgain();
  };
  return html`<div class="note" role="status">
    ${current && html`<div>
      <span><${Text}>${current.text}<//></span>
      ${current.undo && html`<button type="button" onClick=${undo}>Undo</button>`}
      ${current.audit.jobId && path[1] !== current.audit.jobId && html`<a href=${address(["jobs", current.audit.jobId])}>Open the job</a>`}
      <a href=${address(["audit"], current.audit)}>Audit row</a>
      <button type="button" class="plain" onClick=${() => note.set(null)} aria-label="Close this note">✕</button>
    </div>`}
  </div>`;
}

