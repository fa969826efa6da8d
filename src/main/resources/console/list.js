// Long lists, newest first and paged by key. Rows that are shown are kept up to date in place. New rows wait behind a button,
// so that nothing moves under the pointer.

import { call } from "./api.js";
import { count, plural } from "./format.js";
import { html, useState } from "./lib.js";
import { writeJson } from "./numbers.js";
import { useRead } from "./reads.js";
import { namespaceInUrl } from "./router.js";
import { Problem, Time } from "./ui.js";

/** The sizes of the read that keeps the rows up to date; rows beyond the largest stay as they were read. */
const SIZES = [50, 100, 200, 500];
/** Chosen: enough for a way back through a few lists. */
const KEPT = 20;

/**
 * What each list shows: rows, fresh (new rows that wait), moved (rows have another place now), next (the key of the
 * following page), searchedTo.
 */
const lists = new Map();

/**
 * Reads a list of an operation that pages with before and next.
 *
 * @param operation the operation's id
 * @param input its fields, without before and limit
 * @param field the answer's field with the rows
 * @param idOf the id of a row
 * @param kinds the kinds of the stream that change the list
 * @param newestLast whether an answer has its newest row last, and the place of the page before as older
 * @param ranked whether the rows come by rank, so that a new row may stand anywhere and a row may move
 * @returns rows, fresh (the number of new rows), apart (there are more), moved, showFresh(), more (whether there are older rows), older() to read them,
 *     searchedTo (the time at which a search stopped early), problem, read (the read of the newest rows), busy
 */
export function useList(operation, input, { field, idOf, kinds, newestLast = false, ranked = false }) {
  const key = `${namespaceInUrl() ?? ""} ${operation} ${writeJson(input)}`;
  const [, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const list = lists.get(key);
  const limit = SIZES.find((size) => size >= (list?.rows.length ?? 0)) ?? SIZES.at(-1);
  const read = useRead(operation, { ...input, limit }, kinds);
  const current = merged(key, read, { field, idOf, newestLast, ranked });
  const again = () => setTurn((turn) => turn + 1);

  const older = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const page = newestFirst(await call(operation, { ...input, limit: SIZES[0], before: current.next }), field, newestLast);
      const known = new Set(current.rows.map(idOf));
      current.rows = [...current.rows, ...page[field].filter((row) => !known.has(idOf(row)))];
      current.next = page.next;
      current.searchedTo = page.searchedTo;
    } catch (refusal) {
      setProblem(refusal);
    }
    setBusy(false);
  };
  const showFresh = () => {
    if (current.apart || ranked) {
      // More rows are new than one read holds, or they stand in between, so the list begins anew.
      Object.assign(current, { rows: current.head, next: current.headNext });
    } else {
      current.rows = [...current.fresh, ...current.rows];
    }
    Object.assign(current, { fresh: [], apart: false, moved: false });
    again();
  };
  return {
    rows: current?.rows ?? [],
    fresh: current?.fresh.length ?? 0,
    apart: current?.apart ?? false,
    moved: current?.moved ?? false,
    more: current?.next !== undefined,
    searchedTo: current?.searchedTo,
    problem,
    busy,
    read,
    older,
    showFresh,
  };
}

const newestFirst = (answer, field, newestLast) => (newestLast ? { [field]: [...answer[field]].reverse(), next: answer.older } : answer);

/** Brings the newest read into what the list shows. */
function merged(key, read, { field, idOf, newestLast, ranked }) {
  const list = lists.get(key);
  if (!read.answer || list?.from === read.answer) {
    return list;
  }
  const { next, searchedTo, [field]: head } = newestFirst(read.answer, field, newestLast);
  if (!list) {
    lists.set(key, { rows: head, fresh: [], next, searchedTo, from: read.answer });
    if (lists.size > KEPT) {
      lists.delete(lists.keys().next().value);
    }
    return lists.get(key);
  }
  const now = new Map(head.map((row) => [idOf(row), row]));
  const known = new Set(list.rows.map(idOf));
  const last = next === undefined ? list.rows.length : list.rows.findLastIndex((row) => now.has(idOf(row)));
  // A shown row that the read covers and lacks does not match any more.
  list.rows = list.rows.filter((row, index) => index > last || now.has(idOf(row))).map((row) => now.get(idOf(row)) ?? row);
  const older = head.findIndex((row) => known.has(idOf(row)));
  list.apart = older < 0 && head.length > 0 && list.rows.length > 0;
  list.fresh = (list.apart || ranked ? head : head.slice(0, Math.max(older, 0))).filter((row) => !known.has(idOf(row)));
  const order = [...now.keys()];
  const places = list.rows.map((row) => order.indexOf(idOf(row))).filter((place) => place >= 0);
  list.moved = ranked && places.some((place, index) => place < places[index - 1]);
  if (list.rows.length === 0) {
    Object.assign(list, { rows: head, fresh: [], apart: false, next, searchedTo });
  }
  Object.assign(list, { from: read.answer, head, headNext: next });
  return list;
}

/** The button that shows the new rows, or sorts rows whose rank has changed. */
export const Fresh = ({ list, noun }) =>
  html`<div class="fresh">
    ${list.fresh > 0
      ? html`<button type="button" onClick=${list.showFresh}>${count(list.fresh, list.apart)} new ${list.fresh === 1 ? noun : plural(noun)}</button>`
      : list.moved && html`<button type="button" onClick=${list.showFresh}>Ranks have changed; sort again</button>`}
  </div>`;

/** The foot of a list: how far it goes back, and the way to go on. older is the word for the rows that follow. */
export const More = ({ list, noun, older = "older" }) =>
  html`<footer class="more">
    <${Problem} problem=${list.problem} not=${`The ${older} rows were not read`} />
    ${list.searchedTo && html`<span>Searched back to <${Time} at=${list.searchedTo} />.</span>`}
    ${list.more
      ? html`<button type="button" onClick=${list.older} disabled=${list.busy}>
          ${list.busy ? "Reading …" : list.searchedTo ? "Search further back" : `Show ${older} ${plural(noun)}`}</button>`
      : list.rows.length > 0 && html`<span class="quiet">No ${older} ${plural(noun)}.</span>`}
  </footer>`;
