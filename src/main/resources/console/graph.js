// The graph of a flow as SVG, and the list that says the same. Jobs stand in layers: each below the jobs that come before it.

import { html, useState } from "./lib.js";
import { State, toneOf } from "./marks.js";
import { address } from "./router.js";
import { Choice, Table, Text } from "./ui.js";

const WIDTH = 180;
const HEIGHT = 44;
const GAP_X = 24;
const GAP_Y = 44;
/** Chosen: a larger graph is a carpet of lines; the list stays readable. */
const DRAWN = 120;
/** Chosen: the order of the rows hardly improves after a few passes. */
const PASSES = 4;
const LABEL = 24;

const KINDS = { child: "is a part of", dependency: "waits for", block: "is blocked on" };

/**
 * The jobs of a flow with their relations.
 *
 * @param flow the answer of getFlow: nodes, edges (from comes first), more
 * @param jobId the job of the page, which is marked
 */
export function Flow({ flow, jobId }) {
  const drawn = flow.nodes.length <= DRAWN;
  const [form, setForm] = useState(drawn ? "graph" : "list");
  return html`
    <${Choice} label="Form" value=${form} onChange=${setForm} options=${[...(drawn ? [["graph", "Graph"]] : []), ["list", "List"]]} />
    ${flow.more && html` <span class="quiet">The first ${flow.nodes.length} jobs of a larger flow.</span>`}
    ${form === "graph" ? html`<${Graph} flow=${flow} jobId=${jobId} />` : html`<${List} flow=${flow} jobId=${jobId} />`}
  `;
}

function Graph({ flow, jobId }) {
  const { places, width, height } = layout(flow);
  return html`<div class="graph" tabindex="0" role="region" aria-label="Graph of the flow; the list says the same">
    <svg viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} role="group">
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M1 1l6 3-6 3" class="line" /></marker>
      </defs>
      ${flow.edges.filter(({ from, to }) => places.has(from) && places.has(to)).map(
        ({ from, to, kind }) => html`<path key=${`${from} ${to} ${kind}`} class=${`edge edge-${kind}`} d=${curve(places.get(from), places.get(to))} marker-end="url(#arrow)" />`,
      )}
      ${flow.nodes.map((job) => html`<${Node} key=${job.jobId} job=${job} place=${places.get(job.jobId)} own=${job.jobId === jobId} />`)}
    </svg>
  </div>
  <p class="quiet small">Full line: a part of the job above. Dashed: waits for the job above. Dotted: blocked on it.</p>`;
}

const Node = ({ job, place, own }) => html`<a href=${address(["jobs", job.jobId])} class=${`node ${toneOf(job.state)} ${own ? "own" : ""}`}>
  <title>${`${job.subject} for ${job.targetAgent}: ${job.state}`}</title>
  <rect x=${place.x} y=${place.y} width=${WIDTH} height=${HEIGHT} rx="4" />
  <text x=${place.x + 10} y=${place.y + 18}>${cut(job.subject)}</text>
  <text x=${place.x + 10} y=${place.y + 34} class="second">${cut(`${job.state} · ${job.targetAgent}`)}</text>
</a>`;

const cut = (text) => (text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text);

function curve(from, to) {
  const x1 = from.x + WIDTH / 2;
  const x2 = to.x + WIDTH / 2;
  const y1 = from.y + HEIGHT;
  const middle = (y1 + to.y) / 2;
  return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${to.y}`;
}

/** Places of the jobs: a layer for each step from the start, and within a layer near the middle of what comes before. */
function layout({ nodes, edges }) {
  const known = new Set(nodes.map(({ jobId }) => jobId));
  const before = new Map(nodes.map(({ jobId }) => [jobId, []]));
  for (const { from, to } of edges) {
    if (known.has(from) && known.has(to)) {
      before.get(to).push(from);
    }
  }
  const rows = layers(nodes, before);
  for (let pass = 0; pass < PASSES; pass += 1) {
    const index = new Map(rows.flatMap((row) => row.map((id, at) => [id, at])));
    const middle = (id) => average(before.get(id).map((other) => index.get(other))) ?? index.get(id);
    rows.forEach((row) => row.sort((one, other) => middle(one) - middle(other)));
  }
  const widest = Math.max(1, ...rows.map((row) => row.length));
  const step = WIDTH + GAP_X;
  const places = new Map();
  rows.forEach((row, y) => {
    const shift = ((widest - row.length) * step) / 2;
    row.forEach((id, x) => places.set(id, { x: 2 + shift + x * step, y: 2 + y * (HEIGHT + GAP_Y) }));
  });
  return { places, width: widest * step - GAP_X + 4, height: rows.length * (HEIGHT + GAP_Y) - GAP_Y + 4 };
}

const average = (numbers) => (numbers.length > 0 ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : undefined);

/** The ids by layer: one below the lowest job that comes before. A circle is cut where it closes. */
function layers(nodes, before) {
  const depth = new Map();
  const visit = (id, above) => {
    if (depth.has(id)) {
      return depth.get(id);
    }
    if (above.has(id)) {
      return 0;
    }
    above.add(id);
    const own = Math.max(-1, ...before.get(id).map((other) => visit(other, above))) + 1;
    above.delete(id);
    depth.set(id, own);
    return own;
  };
  const rows = [];
  for (const { jobId } of nodes) {
    const at = visit(jobId, new Set());
    (rows[at] ??= []).push(jobId);
  }
  return rows.filter(Boolean);
}

function List({ flow, jobId }) {
  const byId = new Map(flow.nodes.map((job) => [job.jobId, job]));
  const relations = (job) => flow.edges.filter(({ to, from }) => to === job.jobId && byId.has(from));
  return html`<${Table} label="Jobs of the flow" rows=${flow.nodes} keyOf=${(job) => job.jobId} columns=${[
    { title: "State", cell: ({ state }) => html`<${State} state=${state} />` },
    {
      title: "Subject", kind: "main",
      cell: (job) => html`<a data-open id=${`flow-${job.jobId}`} href=${address(["jobs", job.jobId])}
        aria-current=${job.jobId === jobId ? "true" : undefined}><${Text}>${job.subject}<//></a>`,
    },
    { title: "Agent", cell: ({ targetAgent }) => html`<${Text}>${targetAgent}<//>` },
    {
      title: "After", kind: "wide",
      cell: (job) => relations(job).map(
        ({ from, kind }, index) => html`${index > 0 && ", "}${KINDS[kind] ?? kind} <a href=${address(["jobs", from])}><${Text}>${byId.get(from).subject}<//></a>`,
      ),
    },
  ]} />`;
}
