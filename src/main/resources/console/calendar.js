// The calendar of standing orders: which slots were expected, and what became of each. A row is an order, a column a part
// of the window; a cell holds the slots of that part and shows the worst of them.

import { absoluteTime, clockTime, duration } from "./format.js";
import { html, useEffect, useMemo, useRef, useState } from "./lib.js";
import { Shape } from "./marks.js";
import { address } from "./router.js";
import { Text } from "./ui.js";

const HOUR_MS = 3600000;
/** Chosen: the windows that a person plans in; each has about thirty columns, which a screen of 1,280 px holds. */
export const WINDOWS = {
  24: { word: "a day", back: 24, ahead: 6, column: 1 },
  72: { word: "3 days", back: 72, ahead: 18, column: 3 },
  168: { word: "7 days", back: 168, ahead: 42, column: 7 },
};
/** A slot may take a minute to start, because a sweep finds the slots that no trigger has settled. */
const LATE_SECONDS = 90;
/** A slot without an end this long after its time did not run. */
const DUE_MS = 120000;

/** What became of a slot: shape, words, tone and how much it asks for attention. The highest of a cell is shown. */
const OUTCOMES = {
  missed: ["cross", "did not run", "trouble", 9],
  failed: ["dagger", "failed", "trouble", 8],
  blocked: ["bar", "is blocked", "attention", 7],
  due: ["clock", "has not started", "attention", 6],
  late: ["quarter", "started late", "attention", 5],
  skipped: ["skip", "was skipped", "quiet", 4],
  started: ["disc", "is under way", "plain", 3],
  completed: ["tick", "worked", "plain", 2],
  no_work: ["dot", "found nothing to do", "plain", 1],
  expected: ["ring", "is expected", "quiet", 0],
};

/** The legend, in the order of its worth. */
const LEGEND = ["completed", "no_work", "late", "skipped", "missed", "failed", "blocked", "started", "expected"];

function outcomeOf({ at, status, lateSeconds }) {
  if (status === "expected") {
    return at < Date.now() - DUE_MS ? "due" : "expected";
  }
  const worked = status === "completed" || status === "no_work" || status === "started";
  return worked && lateSeconds > LATE_SECONDS ? "late" : status;
}

/** Start, end and columns of a window of so many hours that ends with some hours ahead of now. */
export function windowOf(hours, now = Date.now()) {
  const { back, ahead, column } = WINDOWS[hours];
  const width = column * HOUR_MS;
  const until = Math.ceil((now + ahead * HOUR_MS) / width) * width;
  const from = Math.floor((now - back * HOUR_MS) / width) * width;
  const columns = Array.from({ length: (until - from) / width }, (_, index) => from + index * width);
  return { from: new Date(from).toISOString(), to: new Date(until).toISOString(), columns, width };
}

/** The slots of one order by column. */
function cellsOf(slots, { columns, width }) {
  const cells = columns.map(() => []);
  for (const [scheduledFor, status, lateSeconds, runId, jobId] of slots) {
    const at = Date.parse(scheduledFor);
    const slot = { at, scheduledFor, status, lateSeconds: Number(lateSeconds ?? 0), runId, jobId };
    cells[Math.floor((at - columns[0]) / width)]?.push({ ...slot, outcome: outcomeOf(slot) });
  }
  return cells;
}

const worstOf = (cell) =>
  cell.reduce((worst, { outcome }) => (OUTCOMES[outcome][3] > OUTCOMES[worst][3] ? outcome : worst), cell[0].outcome);

/** What a cell says in one sentence. */
function sentenceOf(cell) {
  if (cell.length === 1) {
    const [{ outcome, scheduledFor, lateSeconds }] = cell;
    const late = outcome === "late" ? ` by ${duration(lateSeconds)}` : "";
    return `The slot of ${clockTime(scheduledFor)} ${OUTCOMES[outcome][1]}${late}`;
  }
  const counts = new Map();
  for (const { outcome } of cell) {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const parts = [...counts]
    .sort(([one], [other]) => OUTCOMES[other][3] - OUTCOMES[one][3])
    .map(([outcome, number]) => `${number} ${outcome === "due" ? "not started" : outcome.replace("_", " ")}`);
  return `${cell.length} slots from ${clockTime(cell[0].scheduledFor)} to ${clockTime(cell.at(-1).scheduledFor)}: ${parts.join(", ")}`;
}

/**
 * Shows the calendar. The arrow keys move between the cells, and the line above tells what the chosen cell holds.
 *
 * @param orders order, agentId, schedule and slots of each, as standing-order-slots gives them
 * @param span the window, as windowOf gives it
 */
export function Calendar({ orders, span }) {
  const rows = useMemo(
    () =>
      [...orders]
        .sort((one, other) => one.agentId.localeCompare(other.agentId) || one.order.localeCompare(other.order))
        .map((order) => ({ ...order, cells: cellsOf(order.slots, span) })),
    [orders, span],
  );
  const [chosen, choose] = useState(undefined);
  const table = useRef(null);
  const first = firstCell(rows);
  const current = chosen && rows.find(({ order }) => order === chosen.order)?.cells[chosen.column]?.length ? chosen : first;
  const nowColumn = Math.floor((Date.now() - span.columns[0]) / span.width);

  // On a narrow page the slots scroll; the newest are in view at first.
  useEffect(() => {
    const now = table.current.querySelector("thead .now");
    const view = table.current.parentElement;
    view.scrollLeft = now ? now.offsetLeft - (view.clientWidth * 3) / 4 : 0;
  }, [span]);

  const move = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step && current) {
      event.preventDefault();
      const next = neighbour(rows, current, step);
      choose(next);
      table.current.querySelector(`[data-cell="${next.order} ${next.column}"]`).focus();
    }
  };

  return html`
    <${Chosen} row=${rows.find(({ order }) => order === current?.order)} column=${current?.column} asked=${chosen !== undefined} />
    <div class="slot-window">
      <table class="calendar" ref=${table} onKeyDown=${move} aria-label="Slots by order and time">
        <thead>
          <tr>
            <th scope="col">Order</th>
            ${span.columns.map(
              (at, index) => html`<th scope="col" key=${at} class=${index === nowColumn ? "now" : ""}>
                <span>${index === nowColumn ? "now" : headOf(at, index, span)}</span>
              </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row, index) => html`<tr key=${row.order} class=${row.agentId === rows[index - 1]?.agentId ? "" : "new-agent"}>
              <th scope="row">
                <a href=${address(["orders", row.order])}><${Text}>${row.order}<//></a>
                <span class="quiet"><${Text}>${row.agentId}<//> · <${Text}>${row.schedule}<//></span>
              </th>
              ${row.cells.map(
                (cell, column) => html`<td key=${span.columns[column]} class=${column === nowColumn ? "now" : ""}>
                  ${cell.length > 0 &&
                  html`<${Cell} cell=${cell} name=${`${row.order} ${column}`}
                    stop=${current?.order === row.order && current?.column === column}
                    onChoose=${() => choose({ order: row.order, column })} />`}
                </td>`,
              )}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <${Legend} />
  `;
}

function Cell({ cell, name, stop, onChoose }) {
  const outcome = worstOf(cell);
  const [shape, , tone] = OUTCOMES[outcome];
  return html`<button type="button" class=${`slot ${tone} ${outcome}`} data-cell=${name} tabindex=${stop ? 0 : -1}
    aria-label=${sentenceOf(cell)} title=${sentenceOf(cell)} onFocus=${onChoose} onMouseEnter=${onChoose} onClick=${onChoose}>
    <${Shape} name=${shape} />${cell.length > 1 && html`<small>${cell.length}</small>`}
  </button>`;
}

/** The chosen cell in words, with links to the evidence of each slot. Its height is fixed, so that the table stays put. */
function Chosen({ row, column, asked }) {
  const cell = row?.cells[column];
  if (!asked || !cell?.length) {
    return html`<p class="slot-says quiet">Choose a slot to see what became of it.</p>`;
  }
  return html`<p class="slot-says">
    <strong><${Text}>${row.order}<//></strong> ${sentenceOf(cell)}.
    ${cell
      .filter(({ runId, status }) => runId && status !== "expected")
      .slice(-3)
      .map(
        ({ runId, scheduledFor }) => html`${" "}<a key=${runId} href=${address(["orders", row.order], { run: runId })}
          title=${absoluteTime(scheduledFor)}>Evidence of ${clockTime(scheduledFor)}</a>`,
      )}
  </p>`;
}

const Legend = () =>
  html`<ul class="slot-legend" aria-label="Legend">
    ${LEGEND.map(
      (outcome) => html`<li key=${outcome} class=${`state ${OUTCOMES[outcome][2]}`}>
        <${Shape} name=${OUTCOMES[outcome][0]} />${OUTCOMES[outcome][1]}
      </li>`,
    )}
  </ul>`;

/** Every third column has its time; at midnight the day. */
function headOf(at, index, { width }) {
  const date = new Date(at);
  if (width === HOUR_MS) {
    return index % 3 === 0 ? `${String(date.getHours()).padStart(2, "0")}:00` : "";
  }
  const before = new Date(at - width);
  return date.getDate() === before.getDate() ? "" : clockTime(at).replace(/,.*/, "");
}

function firstCell(rows) {
  for (const { order, cells } of rows) {
    const column = cells.findIndex((cell) => cell.length > 0);
    if (column >= 0) {
      return { order, column };
    }
  }
  return undefined;
}

/** The next cell with slots in a direction; the same cell at the edge. */
function neighbour(rows, { order, column }, [down, right]) {
  const index = rows.findIndex((row) => row.order === order);
  if (right !== 0) {
    for (let next = column + right; next >= 0 && next < rows[index].cells.length; next += right) {
      if (rows[index].cells[next].length > 0) {
        return { order, column: next };
      }
    }
  }
  for (let next = index + down; down !== 0 && rows[next]; next += down) {
    const filled = rows[next].cells.map((cell, at) => (cell.length > 0 ? at : -1)).filter((at) => at >= 0);
    if (filled.length > 0) {
      const nearest = filled.reduce((best, at) => (Math.abs(at - column) < Math.abs(best - column) ? at : best));
      return { order: rows[next].order, column: nearest };
    }
  }
  return { order, column };
}
