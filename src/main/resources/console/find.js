// The search box of the top line, which is the command palette, too: it takes an id, a filter or words, and says what it
// understood.

import { ask } from "./act.js";
import { mayAct, phaseIsOn, session } from "./api.js";
import { Combo } from "./combo.js";
import { filterIn, filterInWords, jobsWhere, QUALIFIERS, readFilter, writeFilter } from "./filter.js";
import { html, useState } from "./lib.js";
import { PAGES, pagesOf } from "./pages.js";
import { useRead } from "./reads.js";
import { address, go, route } from "./router.js";
import { pauseAct, resumeAct, stopEverything } from "./stops.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Chosen: a list of more is longer than the dialog. */
const MOST = 12;

/** The content of the dialog. close() closes it. */
export function Find({ close }) {
  const { path, query } = route.get();
  const [text, setText] = useState(path[0] === "jobs" && path.length === 1 ? withSpace(writeFilter(filterIn(query))) : "");
  const agents = useRead("listAgents").answer?.agents ?? [];
  const orders = useRead("listStandingOrders").answer?.orders ?? [];
  const options = optionsFor(text.trim(), agents, orders, setText).slice(0, MOST).map((option) => ({
    ...option,
    run() {
      if (!option.stays) {
        close();
      }
      option.run();
    },
  }));
  return html`<h2 id="find-title" class="hidden">Search</h2>
    <${Combo} id="find" label="Search, or jump to a page, a job, an agent or an act" placeholder="An id, words, or state:dead agent:devops …"
      value=${text} onInput=${setText} options=${options} always focus />
    <p class="quiet small">${QUALIFIERS.map(({ word }) => `${word}:`).join(" ")}</p>`;
}

const withSpace = (text) => (text === "" ? "" : `${text} `);

function optionsFor(text, agents, orders, setText) {
  if (UUID.test(text)) {
    return ids(text);
  }
  const wanted = text.toLowerCase();
  const fits = ({ label }) => label.toLowerCase().includes(wanted);
  const places = [
    ...pagesOf(session.get()?.phase).map(({ name, title }) => place(title, "page", [name])),
    ...agents.map(({ agentId }) => place(agentId, "agent", ["agents", agentId])),
    ...orders.map(({ order }) => place(order, "standing order", ["orders", order])),
  ];
  if (text === "") {
    return [...places.slice(0, 8), ...acts(agents).slice(0, 4)];
  }
  const off = PAGES.filter(({ phase }) => phase && !phaseIsOn(phase)).map(({ name, title, phase }) => place(title, `page; phase ${phase} is off`, [name]));
  const all = [...places, ...acts(agents), ...off];
  const named = all.filter(({ label }) => label.toLowerCase().startsWith(wanted));
  return [...named, ...completions(text, setText), ...understood(text), ...all.filter((option) => fits(option) && !named.includes(option))];
}

const place = (label, hint, path) => ({ key: path.join("/"), label, hint, run: () => go(address(path)) });

const ids = (id) => [
  place("Open the job", id, ["jobs", id]),
  ...PAGES.filter(({ phase, detail }) => phase && detail).map(({ name, detail }) => place(`Open the ${detail.title.toLowerCase()}`, id, [name, id])),
  { ...place("Show the events of this job", id, ["events"]), run: () => go(address(["events"], { sourceJobId: id })) },
  { ...place("Show the audit rows of this job", id, ["audit"]), run: () => go(address(["audit"], { jobId: id })) },
];

/** What the text means as a filter, and its words as a search in the memories. */
function understood(text) {
  const filter = readFilter(text);
  const words = filterInWords(filter);
  return [
    { key: "filter", label: words[0].toUpperCase() + words.slice(1), hint: "filter", run: () => go(jobsWhere(filter)) },
    ...(filter.text && phaseIsOn(4) ? [{ key: "memories", label: `Memories with “${filter.text}”`, hint: "search", run: () => go(address(["memories"], { words: filter.text })) }] : []),
  ];
}

/** Qualifiers that begin with the word that is being typed. */
function completions(text, setText) {
  const last = /(^|\s)(\w+)$/.exec(text)?.[2];
  return QUALIFIERS.filter(({ word }) => last && word.startsWith(last) && word !== last).map(({ word, hint }) => ({
    key: `word-${word}`, label: `${word}:`, hint, stays: true, run: () => setText(`${text.slice(0, -last.length)}${word}:`),
  }));
}

function acts(agents) {
  if (!mayAct()) {
    return [];
  }
  return [
    { label: "Stop everything", run: stopEverything },
    { label: "Resume everything", run: () => ask(resumeAct("everything")) },
    ...agents.flatMap(({ agentId }) => [
      { label: `Pause ${agentId}`, run: () => ask(pauseAct("pause", "agent", agentId)) },
      { label: `Drain ${agentId}`, run: () => ask(pauseAct("drain", "agent", agentId)) },
      { label: `Resume ${agentId}`, run: () => ask(resumeAct("agent", agentId)) },
    ]),
  ].map((act) => ({ ...act, key: act.label, hint: "act" }));
}
