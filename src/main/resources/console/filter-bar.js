// The filter of the page Jobs: a chip for each part, and a box that completes qualifiers and their values.

import { Combo } from "./combo.js";
import { chips, QUALIFIERS, readFilter } from "./filter.js";
import { count } from "./format.js";
import { html, useState } from "./lib.js";
import { useRead } from "./reads.js";

/** Chosen: as many as are seen at once. */
const MOST = 12;

/**
 * The filter as chips with a box to add to it.
 *
 * @param filter the filter
 * @param onChange receives the changes: a field with its new value, or undefined to take it away
 */
export function FilterBar({ filter, onChange }) {
  const [text, setText] = useState("");
  const facets = useRead("listFacets").answer ?? {};
  const add = (changes) => {
    setText("");
    onChange(changes);
  };
  const parts = chips(filter);
  return html`<div class="filter" role="search">
    ${parts.map(({ field, text: words }) => html`<button type="button" class="chip" key=${field} onClick=${() => onChange({ [field]: undefined })} aria-label=${`Remove ${words}`}>
      <bdi>${words}</bdi> <span aria-hidden="true">✕</span></button>`)}
    <${Combo} id="filter" label="Filter" placeholder=${parts.length > 0 ? "and …" : "Filter: words, or state: agent: subject: …"} value=${text} onInput=${setText}
      options=${optionsFor(text, facets, add, setText)} onEmptyBack=${() => parts.length > 0 && onChange({ [parts.at(-1).field]: undefined })} />
  </div>`;
}

function optionsFor(text, facets, add, setText) {
  const [, word, typed] = /^(\w+):(.*)$/.exec(text.trim()) ?? [];
  const qualifier = QUALIFIERS.find((candidate) => candidate.word === word);
  if (qualifier) {
    return valuesOf(qualifier, facets, typed.replace(/^"/, "").toLowerCase(), add);
  }
  const wanted = text.trim().toLowerCase();
  const words = wanted === "" ? [] : [{ key: "text", label: text.trim(), hint: "words in subject, summary, errors, payload or id", run: () => add(readFilter(text)) }];
  return [
    ...words,
    ...QUALIFIERS.filter((candidate) => candidate.word.startsWith(wanted)).map(({ word: name, hint }) => ({ key: name, label: `${name}:`, hint, run: () => setText(`${name}:`) })),
  ].slice(0, MOST);
}

/** The values that the bus knows, and the typed one. */
function valuesOf({ field, values, facet }, facets, typed, add) {
  const known = (values ?? facets[facet] ?? []).map((entry) =>
    typeof entry === "object" ? { value: entry.subject ?? entry.flowKey, hint: entry.jobs === undefined ? undefined : `${count(entry.jobs)} jobs` } : { value: entry },
  );
  const fitting = known.filter(({ value }) => value.toLowerCase().includes(typed));
  const own = typed !== "" && !known.some(({ value }) => value.toLowerCase() === typed) ? [{ value: typed, hint: "as typed" }] : [];
  return [...fitting, ...own].slice(0, MOST).map(({ value, hint }) => ({ key: value, label: value, hint, run: () => add({ [field]: value }) }));
}
