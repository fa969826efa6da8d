// A list of reviews, each with its memory, the reason, and the acts that settle it.

import { ask } from "./act.js";
import { sentence, words } from "./format.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { memoryIsOn } from "./memories.js";
import { closeReview } from "./memory-acts.js";
import { address } from "./router.js";
import { ActButton, Table, Text, Time } from "./ui.js";

/**
 * Reviews as a table.
 *
 * @param rows the reviews
 * @param named whether each row names its memory, which a page of one memory does not need
 */
export const Reviews = ({ rows, named = false }) =>
  html`<${Table} label="Reviews" rows=${rows} keyOf=${({ reviewId }) => reviewId} rowClass=${({ closedAt }) => (closedAt ? "ended" : undefined)}
    columns=${[
      { title: "Why", kind: "main wide", cell: (row) => html`${named && html`<a data-open id=${`row-${row.reviewId}`} href=${address(["memories", row.memoryId])}><${Text}>${row.memory.title}<//></a> `}<span class="clamp"><${Text}>${sentence(row.detail)}<//></span>` },
      { title: "Kind", cell: ({ kind }) => html`<${State} state=${kind} />` },
      { title: "Opened", cell: ({ createdAt, openedBy }) => html`<${Time} at=${createdAt} inRow /> <span class="quiet">by <${Text}>${openedBy}<//></span>` },
      { title: "Outcome", kind: "wide", cell: (row) => html`<${Outcome} row=${row} />` },
      { title: "Act", cell: (row) => !row.closedAt && html`<${Acts} row=${row} />` },
    ]} />`;

const Outcome = ({ row: { outcome, closedBy, closedAt, notes } }) =>
  closedAt
    ? html`${words(outcome)} <span class="quiet">by <${Text}>${closedBy}<//>, <${Time} at=${closedAt} inRow /></span> <span class="clamp"><${Text}>${sentence(notes)}<//></span>`
    : html`<span class="attention">open</span>`;

/** A conflict is settled on the page of its candidate, where both texts stand. */
const Acts = ({ row }) =>
  html`${row.candidateId
    ? html`<a class="button" data-actions href=${address(["memory-candidates", row.candidateId])}>Compare</a>`
    : memoryIsOn() && html`<${ActButton} label="Close" data-actions onClick=${() => ask(closeReview(row))} />`}`;
