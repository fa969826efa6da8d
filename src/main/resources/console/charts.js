// Charts as SVG: columns over time, and a bar of a share. Each has a table or a text that says the same.

import { clockTime, count, duration, words } from "./format.js";
import { html, useState } from "./lib.js";
import { Table } from "./ui.js";
import { toneOf } from "./marks.js";

const STEP_WIDTH = 10;
const GAP = 2;
const HEIGHT = 100;

/**
 * Columns over time, with what went well above the line and what went wrong below it, on one scale that begins at zero.
 *
 * @param label the chart's name
 * @param steps the steps, oldest first, each with at and a number for each part
 * @param up the parts above the line, the lowest first; down the parts below it
 * @param placeOf returns the address with the rows of a step
 */
export function Columns({ label, steps, up, down, placeOf }) {
  const [at, setAt] = useState(null);
  const parts = [...up, ...down];
  const sum = (step, names) => names.reduce((total, name) => total + sumOf([step], name), 0);
  const most = Math.max(1, ...steps.map((step) => sum(step, up)));
  const least = Math.max(0, ...steps.map((step) => sum(step, down)));
  const zero = (HEIGHT * most) / (most + least);
  const scale = HEIGHT / (most + least);
  const onKeyDown = (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt(Math.min(Math.max((at ?? steps.length) + move, 0), steps.length - 1));
    }
  };
  const shown = at === null ? undefined : steps[at];
  return html`<figure class="columns">
    <div class="plot">
      <span class="scale" aria-hidden="true">at most ${count(most)} in ${duration(stepSeconds(steps))}</span>
      <svg viewBox=${`0 0 ${steps.length * STEP_WIDTH} ${HEIGHT}`} preserveAspectRatio="none" tabindex="0" role="img"
        aria-label=${`${label}: ${totals(steps, parts)}. Left and right arrows read the steps.`}
        onKeyDown=${onKeyDown} onMouseLeave=${() => setAt(null)} onBlur=${() => setAt(null)}>
        ${steps.map((step, index) => html`<g key=${step.at} class=${index === at ? "chosen" : ""} onMouseEnter=${() => setAt(index)}>
          <rect class="hit" x=${index * STEP_WIDTH} y="0" width=${STEP_WIDTH} height=${HEIGHT} />
          <${Stack} x=${index * STEP_WIDTH} step=${step} names=${up} from=${zero} scale=${scale} />
          <${Stack} x=${index * STEP_WIDTH} step=${step} names=${down} from=${zero} scale=${-scale} />
        </g>`)}
        <line class="axis" x1="0" x2=${steps.length * STEP_WIDTH} y1=${zero} y2=${zero} />
      </svg>
    </div>
    <div class="ticks quiet small" aria-hidden="true">
      ${[0, 0.25, 0.5, 0.75].map((share) => html`<span key=${share}>${steps.length > 0 && clockTime(steps[Math.floor(share * steps.length)].at)}</span>`)}
      <span>now</span>
    </div>
    <figcaption aria-live="polite">${shown
      ? html`from <a href=${placeOf(at)}>${clockTime(shown.at)}</a>: ${totals([shown], parts)}`
      : parts.map((name) => html`<span key=${name} class="legend"><i class=${`swatch part-${name}`}></i>${count(sumOf(steps, name))} ${words(name)}</span>`)}</figcaption>
    <details><summary class="small quiet">As a table</summary>
      <${Table} label=${label} rows=${steps} keyOf=${({ at: time }) => time}
        columns=${[
          { title: "From", kind: "main", cell: (step) => clockTime(step.at) },
          ...parts.map((name) => ({ title: words(name), kind: "number", cell: (step) => count(step[name]) })),
        ]} />
    </details>
  </figure>`;
}

const stepSeconds = (steps) => (steps.length > 1 ? (Date.parse(steps[1].at) - Date.parse(steps[0].at)) / 1000 : 0);
const sumOf = (steps, name) => steps.reduce((total, step) => total + Number(step[name] ?? 0), 0);
const totals = (steps, parts) => parts.map((name) => `${count(sumOf(steps, name))} ${words(name)}`).join(", ");

/** The parts of one step, on top of each other from the line on; a negative scale goes down. */
function Stack({ x, step, names, from, scale }) {
  let edge = from;
  return names.map((name) => {
    const height = Number(step[name] ?? 0) * scale;
    edge -= height;
    return html`<rect key=${name} class=${`part-${name}`} x=${x + GAP / 2} width=${STEP_WIDTH - GAP} y=${Math.min(edge, edge + height)} height=${Math.abs(height)} />`;
  });
}

/** A part of a whole as a bar with its numbers, such as the running jobs of an agent and its places. */
export const Share = ({ part, whole, label }) =>
  html`<span class="share">
    <svg viewBox="0 0 60 8" width="60" height="8" aria-hidden="true">
      <rect class="whole" x="0.5" y="0.5" width="59" height="7" />
      <rect class="fill" x="0" y="0" width=${whole > 0 ? Math.min(60, (60 * part) / whole) : 0} height="8" />
    </svg>
    <span aria-label=${label}>${count(part)} of ${count(whole)}</span>
  </span>`;

/** A number that is quiet at zero, and leads to the rows that it counts. */
export const Linked = ({ number, capped, href, state }) =>
  Number(number) > 0 ? html`<a href=${href} class=${state && toneOf(state)}>${count(number, capped)}</a>` : html`<span class="quiet">0</span>`;

