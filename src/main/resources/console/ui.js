// Small parts that every page is made of.

import { mayAct } from "./api.js";
import { absolute, absoluteTime, clockTime, duration, now, relative, secondsSince, sentence, shortId } from "./format.js";
import { html, useCell, useEffect, useRef, useState } from "./lib.js";
import { address } from "./router.js";

/**
 * A time, relative by default. Alone, it takes focus and then shows the absolute time; in a row of a list it only has a
 * hint for the pointer, because the key t shows all times absolute.
 *
 * @param at the time of the contract
 * @param inRow whether it stands in a row of a list
 */
export function Time({ at, inRow = false }) {
  useCell(now);
  const plain = useCell(absolute);
  if (!at) {
    return html`<span class="quiet">–</span>`;
  }
  const text = plain ? clockTime(at) : relative(at);
  return inRow
    ? html`<time datetime=${at} title=${absoluteTime(at)}>${text}</time>`
    : html`<time datetime=${at} class="alone" tabindex="0">${text}<span class="absolute" role="tooltip">${absoluteTime(at)}</span></time>`;
}

/** How long ago a time was, without "ago", to go on from "for" or "since". */
export function Since({ at }) {
  useCell(now);
  const plain = useCell(absolute);
  if (!at) {
    return "an unknown time";
  }
  return html`<time datetime=${at} title=${absoluteTime(at)}>${plain ? clockTime(at) : duration(secondsSince(at))}</time>`;
}

/** Text from outside: line breaks stay, and its direction cannot reach the text around it. */
export const Text = ({ children, lines = false }) => html`<bdi class=${lines ? "text lines" : "text"}>${children}</bdi>`;

const TIMES = /(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)/;

/** A sentence of the bus. The times in it are shown as the page shows times; the absolute one is a hint. */
export const Words = ({ children }) =>
  html`<bdi class="text lines">${String(children ?? "").split(TIMES).map((part, index) => (index % 2 === 1 ? html`<${Time} at=${part} inRow />` : part))}</bdi>`;

/** An id, shortened to its end; a click copies the whole. */
export function Id({ id }) {
  const [copied, setCopied] = useState(false);
  if (!id) {
    return null;
  }
  const copy = async () => {
    await navigator.clipboard?.writeText(id);
    setCopied(Boolean(navigator.clipboard));
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<button type="button" class="id" title=${id} onClick=${copy}><span class="hidden">Copy id ${" "}</span>${copied ? "copied" : shortId(id)}</button>`;
}

export const JobLink = ({ job, open = false, children }) => {
  const id = typeof job === "string" ? job : job.jobId;
  return html`<a href=${address(["jobs", id])} id=${open ? `row-${id}` : undefined} data-open=${open || undefined}>
    ${children ?? html`<${Text}>${job.subject ?? shortId(id)}<//>`}
  </a>`;
};

export const AgentLink = ({ agent }) =>
  agent ? html`<a class="name" href=${address(["agents", agent])}><${Text}>${agent}<//></a>` : html`<span class="quiet">–</span>`;

/**
 * A refusal or failure.
 *
 * @param problem the problem; nothing is shown without one
 * @param not what was not done
 * @param again does it again
 * @param look for an act: shows what the act was about, when its answer was lost
 */
export function Problem({ problem, not = "This was not read", again, look }) {
  if (!problem) {
    return null;
  }
  const lost = look && problem.unsure;
  return html`<div class="problem" role="alert">
    <p><strong>${lost ? "Whether this was done is not known" : not}.</strong> <${Words}>${sentence(problem.message)}<//></p>
    ${problem.fields?.expected && html`<p>Expected: <${Words}>${problem.fields.expected}<//></p>`}
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
    ${lost && html`<button type="button" onClick=${look}>Look again</button>`}
  </div>`;
}

/**
 * The states of a read: nothing yet, a problem, or an answer that is shown by children(answer). An answer stays when a
 * later read fails, with the time it is from.
 */
export function Answer({ read, children, not }) {
  const slow = useSlow(read.answer === undefined && !read.problem);
  return html`
    <${Problem} problem=${read.problem} again=${read.again}
      not=${read.answer === undefined ? not : `The page is from ${clockTime(read.at)}, because the newer state was not read`} />
    ${read.answer !== undefined ? children(read.answer) : slow && html`<p class="quiet" role="status">Reading …</p>`}
  `;
}

/** True once the condition has held for 300 ms, so that quick answers show no intermediate state. */
function useSlow(condition) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!condition) {
      setSlow(false);
      return undefined;
    }
    const timer = setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, [condition]);
  return slow;
}

/** A part of a page with a heading. */
export const Section = ({ title, note, children, id }) =>
  html`<section aria-labelledby=${id && `${id}-title`} id=${id}>
    <header class="section"><h2 id=${id && `${id}-title`}>${title}</h2>${note && html`<span class="quiet">${note}</span>`}</header>
    ${children}
  </section>`;

/** Pairs of a name and a value; a value that is undefined, null or empty is left out. */
export const Facts = ({ facts }) =>
  html`<dl class="facts">
    ${facts
      .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
      .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

/**
 * A table, which becomes cards on a narrow page.
 *
 * @param label its name for people who do not see it
 * @param columns each with title, cell(row), and kind: main (the title of a card), number, wide (takes the free width), box or acts
 *     (their title is not shown)
 * @param rows the rows; keyOf(row) tells them apart. A row that opens something holds one link with data-open, which the
 *     keys j and k move between
 */
export function Table({ label, columns, rows, keyOf, rowClass }) {
  return html`<table role="table" aria-label=${label} class="list">
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(({ title, kind = "" }) => html`<th role="columnheader" scope="col" class=${kind} key=${title}>${kind === "box" || kind === "acts" ? html`<span class="hidden">${title}</span>` : title}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup" onClick=${openRow}>
      ${rows.map(
        (row) => html`<tr role="row" key=${keyOf(row)} data-row=${keyOf(row)} class=${rowClass?.(row)}>
          ${columns.map(({ title, cell, kind = "" }) => html`<td role="cell" class=${kind} data-label=${title} key=${title}>${cell(row)}</td>`)}
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** A click beside the parts of a row opens what the row is about, unless text is being marked. */
function openRow({ target }) {
  if (!target.closest("a, button, input, select, summary") && getSelection().isCollapsed) {
    target.closest("[data-row]").querySelector("[data-open]")?.click();
  }
}

/** A button that opens or does something. It is left out for people who may only look. */
export const ActButton = ({ label, onClick, danger = false, ...rest }) =>
  mayAct() && html`<button type="button" class=${danger ? "act danger" : "act"} onClick=${onClick} ...${rest}>${label}</button>`;

/** A part that opens and closes, and whose state is in the address. */
export function Fold({ title, note, open, onToggle, children }) {
  const details = useRef(null);
  return html`<details ref=${details} open=${open} onToggle=${() => details.current.open !== open && onToggle?.(details.current.open)}>
    <summary>${title} ${note && html`<span class="quiet">${note}</span>`}</summary>
    ${open && children}
  </details>`;
}

/** A row of choices of which one holds, such as a time window. */
export const Choice = ({ label, value, options, onChange }) =>
  html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ([option, word]) => html`<button type="button" key=${option} aria-pressed=${option === value ? "true" : "false"}
        onClick=${() => onChange(option)}>${word}</button>`,
    )}
  </div>`;
