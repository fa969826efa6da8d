// The reviews: which memories somebody is to look at, and why.

import { html } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { Lane, Views } from "./memories.js";
import { Reviews } from "./memory-reviews.js";
import { setQuery } from "./router.js";
import { Choice, Problem } from "./ui.js";

const STATES = [["", "open"], ["closed", "closed"]];
const KINDS = [["", "all"], ["conflict", "conflict"], ["wrong", "wrong"], ["overdue", "overdue"], ["unused", "unused"], ["source_changed", "source changed"]];

export default function MemoryReviewsPage({ query }) {
  const { status, kind } = query;
  const list = useList("listMemoryReviews", { status: status ?? "open", kind }, { field: "reviews", idOf: ({ reviewId }) => reviewId, kinds: ["memories"] });
  return html`
    <div class="tools">
      <${Views} />
      <${Choice} label="Status" value=${status ?? ""} options=${STATES} onChange=${(next) => setQuery({ status: next })} />
      <${Choice} label="Kind" value=${kind ?? ""} options=${KINDS} onChange=${(next) => setQuery({ kind: next })} />
    </div>
    <${Lane} />
    <${Problem} problem=${list.read.problem} not="The reviews were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="review" />
    ${list.rows.length > 0
      ? html`<${Reviews} rows=${list.rows} named />`
      : list.read.answer &&
        html`<p class="lead">${status === "closed" ? "No review was closed yet." : kind ? "No such review is open." : "No memory waits for a look."}</p>
          <p class="quiet">A review opens when an agent calls a memory wrong, when a candidate says otherwise, when its review date has passed, when no prompt used it for 60 days, or when one of its sources has changed.</p>`}
    <${More} list=${list} noun="review" />
  `;
}
