// Shows JSON: folded where it is deep, with exact numbers, and as text only.

import { html, useState } from "./lib.js";
import { Exact, writeJson } from "./numbers.js";
import { counted } from "./format.js";

/** Chosen: more rows of one object or list than a person reads at once. */
const ROWS = 100;
const OPEN_DEPTH = 2;
/** Chosen: a longer text pushes everything else off the page. */
const LONG_TEXT = 2000;

/** A value of JSON with a button that copies it. */
export function Json({ value, label }) {
  const [copied, setCopied] = useState(false);
  if (value === undefined || value === null) {
    return html`<p class="quiet">none</p>`;
  }
  const copy = async () => {
    await navigator.clipboard?.writeText(writeJson(value));
    setCopied(Boolean(navigator.clipboard));
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<div class="json" role="group" aria-label=${label}>
    <button type="button" class="copy small" onClick=${copy}>${copied ? "Copied" : "Copy"}</button>
    <${Value} value=${value} depth=${0} />
  </div>`;
}

function Value({ value, depth }) {
  if (value instanceof Exact) {
    return html`<span class="json-number">${value.digits}</span>`;
  }
  if (value === null || typeof value === "boolean") {
    return html`<span class="json-word">${String(value)}</span>`;
  }
  if (typeof value === "number") {
    return html`<span class="json-number">${String(value)}</span>`;
  }
  if (typeof value === "string") {
    return html`<${LongText} text=${value} />`;
  }
  return html`<${Many} value=${value} depth=${depth} />`;
}

function LongText({ text }) {
  const [whole, setWhole] = useState(false);
  const cut = text.length > LONG_TEXT && !whole;
  return html`<bdi class="json-text">${cut ? `${text.slice(0, LONG_TEXT)}…` : text}</bdi>${cut &&
  html` <button type="button" class="small" onClick=${() => setWhole(true)}>Show all ${text.length} characters</button>`}`;
}

/** An object or a list; its entries in the order in which they came. */
function Many({ value, depth }) {
  const [shown, setShown] = useState(ROWS);
  const list = Array.isArray(value);
  const entries = list ? value.map((item, index) => [index, item]) : Object.entries(value);
  if (entries.length === 0) {
    return html`<span class="quiet">${list ? "[ ]" : "{ }"}</span>`;
  }
  const rows = html`<dl>
    ${entries.slice(0, shown).map(
      ([name, item]) => html`<div key=${name}><dt><bdi>${name}</bdi></dt><dd><${Value} value=${item} depth=${depth + 1} /></dd></div>`,
    )}
  </dl>
  ${entries.length > shown && html`<button type="button" class="small" onClick=${() => setShown(shown + ROWS)}>
    Show ${Math.min(ROWS, entries.length - shown)} more of ${entries.length}</button>`}`;
  return depth === 0
    ? rows
    : html`<details open=${depth < OPEN_DEPTH}>
        <summary class="quiet">${counted(entries.length, list ? "item" : "field")}</summary>${rows}
      </details>`;
}
