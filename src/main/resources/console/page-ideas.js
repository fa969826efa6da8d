// The ideas, which need no decision yet, the newest first.

import { count } from "./format.js";
import { html } from "./lib.js";
import { Fresh, More, useList } from "./list.js";
import { State } from "./marks.js";
import { Kinds, Off, ProposalFilter, ThemeLink } from "./proposals.js";
import { address, setQuery } from "./router.js";
import { Choice, Problem, Table, Text, Time } from "./ui.js";

const OPEN = "new,reviewed";
const STATUSES = [
  ["", "open"],
  ["promoted_to_opportunity", "promoted"],
  ["archived", "archived"],
  [`${OPEN},promoted_to_opportunity,archived`, "all"],
];
const FIELDS = [
  { name: "theme", label: "Theme" },
  { name: "sourceAgent", label: "By", agents: true },
  { name: "tag", label: "Tag" },
];

export default function IdeasPage({ query }) {
  const { status, theme, sourceAgent, tag } = query;
  const list = useList("listIdeas", { status: status ?? OPEN, theme, sourceAgent, tag }, { field: "ideas", idOf: ({ ideaId }) => ideaId, kinds: ["proposals"] });
  return html`
    <div class="tools">
      <${Kinds} shown="ideas" />
      <${Choice} label="Status" value=${status ?? ""} options=${STATUSES} onChange=${(next) => setQuery({ status: next })} />
    </div>
    <${Off} />
    <${ProposalFilter} query=${query} fields=${FIELDS} key=${FIELDS.map(({ name }) => query[name]).join("|")} />
    <${Problem} problem=${list.read.problem} not="The ideas were not read" again=${list.read.again} />
    <${Fresh} list=${list} noun="idea" />
    ${list.rows.length > 0
      ? html`<${Ideas} rows=${list.rows} />`
      : list.read.answer && html`<p>${FIELDS.some(({ name }) => query[name]) ? "No idea matches." : `No idea is ${STATUSES.find(([each]) => each === (status ?? ""))?.[1] ?? "like this"}.`}</p>`}
    <${More} list=${list} noun="idea" />
  `;
}

const Ideas = ({ rows }) =>
  html`<${Table} label="Ideas" rows=${rows} keyOf=${({ ideaId }) => ideaId}
    columns=${[
      { title: "Idea", kind: "main wide", cell: ({ ideaId, title, body }) =>
          html`<a data-open id=${`row-${ideaId}`} href=${address(["ideas", ideaId])}><span class="clamp"><${Text}>${title}<//></span></a>
            <span class="quiet clamp"><${Text}>${body}<//></span>` },
      { title: "Status", cell: ({ status }) => html`<${State} state=${status} word=${status === "promoted_to_opportunity" ? "promoted" : undefined} />` },
      { title: "Theme", cell: ({ theme }) => html`<${ThemeLink} page="ideas" theme=${theme} />` },
      { title: "By", cell: ({ sourceAgent }) => html`<${Text}>${sourceAgent}<//>` },
      { title: "Evidence", kind: "number", cell: ({ evidenceCount }) => count(evidenceCount) },
      { title: "Written down", cell: ({ createdAt }) => html`<${Time} at=${createdAt} inRow />` },
    ]} />`;
