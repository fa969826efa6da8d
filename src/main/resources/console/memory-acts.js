// The acts on a memory, a candidate and a review: which fit its status, and what they will do in words. The bus checks them
// again. A promotion that meets a memory about the same matter is answered with both texts, and asks what is to become of them.

import { ask } from "./act.js";
import { mayAct } from "./api.js";
import { html } from "./lib.js";
import { memoryIsOn, SCOPES, Sides, VISIBILITIES } from "./memories.js";
import { Text } from "./ui.js";

const WHY = { name: "notes", label: "Why, in a sentence", kind: "lines", maxlength: 2000 };
const REVIEW = { name: "nextReviewAt", label: "Look at it again on; empty means by its stability", kind: "time", optional: true };

const textOf = ({ title, body }) => [
  { name: "title", label: "Title", kind: "line", maxlength: 120, value: title },
  { name: "body", label: "Text", kind: "lines", maxlength: 1200, value: body },
];
const placeOf = ({ scope, subjectKey, visibility, ownerAgent }) => [
  { name: "scope", label: "What it is about", kind: "choice", options: SCOPES, value: scope },
  { name: "subjectKey", label: "Its name, as payloads have it; empty for global", kind: "line", maxlength: 120, optional: true, value: subjectKey },
  { name: "visibility", label: "Who may read it", kind: "choice", options: VISIBILITIES, value: visibility },
  { name: "ownerAgent", label: "Whose memory, if not shared", kind: "agent", optional: true, value: ownerAgent },
];

/** The acts that end or keep a memory; names is the field that names it. Those with below also work while phase 4 is off. */
const ON_MEMORY = [
  { label: "Confirm", operation: "confirmMemory", will: "says that it still holds, and moves its review on", fields: () => [REVIEW, WHY] },
  { label: "Write a new version", operation: "supersedeMemory", names: "supersedesMemoryId", will: "puts a new text in its place; the old one is kept and linked", fields: (row) => [...textOf(row), REVIEW, WHY] },
  { label: "Replace by another", operation: "supersedeMemory", names: "supersedesMemoryId", will: "ends it; another active memory stands for it", fields: () => [{ name: "memoryId", label: "The memory that remains", kind: "memory" }, WHY] },
  { label: "Expire", operation: "expireMemory", below: true, will: "takes it out of every prompt from now on; it stays readable" },
  { label: "Mark wrong", operation: "markMemoryWrong", below: true, danger: true, will: "ends it as wrong; no prompt has it any more" },
];

/** The acts that fit a memory; none for people who may only look. */
export const actsOnMemory = (row) =>
  offered(row.status === "active" ? ON_MEMORY : []).map(({ label, danger, operation, names = "memoryId", will, fields }) => ({
    label,
    danger,
    operation,
    title: `${label}: this memory`,
    sentence: `This ${will}: ${row.title}.`,
    fields: fields?.(row) ?? [WHY],
    input: { [names]: row.memoryId },
    audit: { table: "memories", rowId: row.memoryId },
  }));

const offered = (acts) => (mayAct() ? acts.filter(({ below }) => below || memoryIsOn()) : []);

/** The acts that fit a candidate; then receives the answer of a promotion. */
export const actsOnCandidate = (row, then) =>
  row.status === "new" ? offered([{ ...promotion(row, then) }, { ...rejection(row), below: true }]) : [];

/** The promotion of a candidate with what the person has chosen already. */
function promotion(row, then, input = {}, fields = [...textOf(row), ...placeOf(row), REVIEW, WHY]) {
  return {
    label: "Promote",
    title: "Promote this candidate",
    sentence: `This makes it a memory, which stands in the prompts of the jobs that it fits. By ${row.sourceAgent}.`,
    operation: "promoteMemoryCandidate",
    input: { candidateId: row.candidateId, ...input },
    fields,
    audit: auditOf(row),
    then: (answer, values) => (answer.promoted === false ? settle(row, answer.conflict.memories, { ...input, ...values }, then) : then?.(answer)),
  };
}

const rejection = (row) => ({
  label: "Reject",
  danger: true,
  title: "Reject this candidate",
  sentence: `This ends it for good, and nobody is shown it in a prompt: ${row.title}, by ${row.sourceAgent}.`,
  operation: "rejectMemoryCandidate",
  input: { candidateId: row.candidateId },
  fields: [{ name: "notes" }],
  audit: auditOf(row),
});

const auditOf = ({ candidateId }) => ({ table: "memory_candidates", rowId: candidateId });

/**
 * Asks what becomes of a candidate and the memories that say otherwise.
 *
 * @param row the candidate
 * @param memories the memories
 * @param values what was given for the promotion so far
 * @param then receives the answer of a promotion
 */
export function settle(row, memories, values, then) {
  const candidate = { ...row, ...values };
  const why = { ...WHY, value: values.notes };
  const { notes, ...rest } = values;
  const go = (label, input, fields, will) => () =>
    ask({ ...promotion(row, then, { ...rest, ...input }, fields), title: label, sentence: will, view: sides(candidate, memories) });
  const ids = memories.map(({ memoryId }) => memoryId);
  ask({
    title: memories.length === 1 ? "A memory says otherwise" : `${memories.length} memories say otherwise`,
    sentence: "Nothing is promoted yet. An agent would read both texts and could follow only one, so one has to give way, or each has to say where it holds.",
    view: sides(candidate, memories),
    choices: [
      ...memories.slice(0, 1).map(({ memoryId, title }) => ({
        label: "The candidate replaces it",
        run: go("Replace the memory", { supersedesMemoryId: memoryId }, [why], `This promotes the candidate in place of: ${title}. The old text is kept and linked.`),
      })),
      {
        label: "Narrow the candidate",
        run: go("Narrow the candidate", {}, [...textOf(candidate), ...placeOf(candidate), why], "This promotes the candidate with another subject or a title that says where it holds."),
      },
      { label: "Both hold", run: go("Keep both", { besideMemoryIds: ids }, [why], "This promotes the candidate beside the memory; say why both hold.") },
      { label: "Reject the candidate", danger: true, run: () => ask({ ...rejection(row), view: sides(candidate, memories) }) },
    ],
  });
}

/** The texts of a candidate and of the memories that say otherwise, for Sides. */
export const sidesOf = (candidate, memories) => [
  { ...candidate, id: candidate.candidateId, page: "memory-candidates", says: "The candidate says" },
  ...memories.map((memory) => ({ ...memory, id: memory.memoryId, page: "memories", says: "The memory says" })),
];

const sides = (candidate, memories) => html`<${Sides} texts=${sidesOf(candidate, memories).map((text) => ({ ...text, page: undefined }))} />`;

/** The act that closes a review without a change of its memory. */
export const closeReview = (review) => ({
  label: "Close",
  title: "Close this review",
  sentence: `This says that nothing has to change: ${review.detail}`,
  operation: "closeMemoryReview",
  input: { reviewId: review.reviewId },
  fields: [WHY],
  audit: { table: "memory_reviews", rowId: review.reviewId },
});

/**
 * The act on all memories that match a filter: it counts first.
 *
 * @param filter the fields of expireMemories
 * @param words the filter in words
 */
export const expireAll = (filter, words) => ({
  label: "Expire all that match",
  verb: "Expire",
  danger: true,
  title: "Expire all that match",
  sentence: `This takes them out of every prompt from now on: ${words}. They stay readable.`,
  operation: "expireMemories",
  input: filter,
  preview: { ...filter, dryRun: true, notes: "counted before somebody decides" },
  counts: { operation: "expireMemories", noun: "memory", of: found },
  fields: [WHY],
  audit: { table: "memories" },
});

const found = ({ count, more, sample }) => ({
  count,
  capped: more,
  says: more ? "match now, and more are left for the next call." : "match now and are active.",
  samples: sample.slice(0, 5).map(({ memoryId, title }) => html`<li key=${memoryId}><${Text}>${title}<//></li>`),
});
