// The frame around every page: rail, top line, banners, and the dialogs that open from everywhere.

import { ActDialog, ActNote } from "./act.js";
import { logOut, namespaceOfPage, session } from "./api.js";
import { Find } from "./find.js";
import { clockTime, count, duration, midnight, now } from "./format.js";
import { keysOf, opened, singleKeys } from "./keys.js";
import { html, useCell, useEffect, useModal, useState } from "./lib.js";
import { isStale, live, outdated, paused, tellLogout } from "./live.js";
import { Icon } from "./marks.js";
import { PAGES, pagesOf } from "./pages.js";
import { useRead, WIDE_GAP_MS } from "./reads.js";
import { address, named, route, setQuery } from "./router.js";
import { StopBanner, StopButton } from "./stops.js";
import { theme } from "./theme.js";
import { Choice, Problem, Text } from "./ui.js";

/** Chosen: the age of the last sign is shown once a beat of 15 s is late. */
const LATE_SECONDS = 20;

/** The read of what needs a person, which the rail, the title and the page share: operation, input, kinds, gap. */
export const needsRead = () => ["needsMe", { midnight: midnight() }, ["jobs", "agents", "gateways", "orders", "questions", "bulk", "proposals", "memories", "anomalies"], WIDE_GAP_MS];

/** The frame. title is that of the page; children are the page. */
export function Frame({ title, children }) {
  const visitor = useCell(session);
  const place = useCell(route);
  const needs = useRead(...needsRead()).answer;
  const name = useCell(named);
  useTitle(name ? `${name.title} · ${title}` : title, needs?.count);
  return html`
    <a class="skip" href="#main" onClick=${toMain}>Skip to the page</a>
    <nav class="rail" aria-label="Pages">
      ${pagesOf(visitor.phase).filter(({ rail }) => rail).map(
        ({ name, title: word }) => html`<a key=${name} href=${address([name])} aria-current=${leadsTo(name, place) ? "page" : undefined}>
          <${Icon} name=${name} /><span>${word}</span>
          ${name === "needs-me" && needs?.count > 0 && html`<b class="badge" aria-label=${`${needs.count} open`}>${count(needs.count, needs.more)}</b>`}
        </a>`,
      )}
      <button type="button" class="more" onClick=${() => opened.set("pages")}><${Icon} name="more" /><span>More</span></button>
    </nav>
    <header class="top">
      <${Where} title=${name?.heading ?? title} place=${place} visitor=${visitor} />
      <button type="button" class="finder" aria-label="Search or jump to a page, a job, an agent or an act" onClick=${() => opened.set("find")}><${Icon} name="search" /><span>Search or jump to …</span><kbd>/</kbd></button>
      <${LiveDot} />
      <button type="button" class="icon-only" onClick=${() => opened.set("settings")} aria-label="Settings"><${Icon} name="settings" /></button>
      <${StopButton} />
    </header>
    <div class="banners"><${UpdateBanner} /><${StaleBanner} /><${StopBanner} /></div>
    <main id="main" tabindex="-1">${children}</main>
    <${ActNote} />
    <${ActDialog} />
    <${Opened} />
  `;
}

/** Whether a page of the rail shows this place or leads to it. */
const leadsTo = (name, { path: [shown] }) => name === shown || PAGES.some((page) => page.name === shown && page.beside === name);

const toMain = (event) => {
  event.preventDefault();
  event.stopPropagation();
  document.querySelector("main").focus();
};

/** The count stands in the title and colours the icon, so that a tab in the background shows it. */
function useTitle(title, waiting) {
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${title} · agentbus`;
    const icon = document.querySelector("link[rel=icon]");
    icon.href = new URL(waiting > 0 ? "icon-attention.svg" : "icon.svg", import.meta.url).pathname;
  }, [title, waiting]);
}

function Where({ title, place, visitor }) {
  const parent = place.path.length > 1 && PAGES.find(({ name }) => name === place.path[0]);
  return html`<div class="where">
    <${Namespaces} visitor=${visitor} />
    ${parent && html`<a href=${address([parent.name])}>${parent.title}</a><span class="quiet" aria-hidden="true">/</span>`}
    <h1 title=${title}><${Text}>${title}<//></h1>
  </div>`;
}

/** The choice of the namespace, where there is more than one. */
const Namespaces = ({ visitor }) =>
  visitor?.namespaces?.length > 1 && html`<select aria-label="Namespace" value=${namespaceOfPage()} onChange=${({ target }) => setQuery({ namespace: target.value })}>
    ${visitor.namespaces.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
  </select>`;

/** Says whether the page is live, and pauses updates. */
function LiveDot() {
  useCell(now);
  const state = useCell(live);
  const since = useCell(paused);
  const age = (Date.now() - state.heard) / 1000;
  const text = since
    ? `paused ${clockTime(since)}`
    : state.up
      ? age > LATE_SECONDS ? `live, ${duration(age)} ago` : "live"
      : isStale(state) ? `not live since ${clockTime(state.since)}` : "connecting";
  return html`<button type="button" class=${`live ${since ? "held" : state.up ? "up" : "down"}`} aria-pressed=${since ? "true" : "false"}
    title=${since ? "Resume updates" : "Pause updates"} onClick=${() => paused.set(since ? false : Date.now())}>
    <span class="dot" aria-hidden="true"></span><span>${text}</span><${Icon} name=${since ? "play" : "pause"} />
  </button>`;
}

/** Tells that the page is not live. It is read every five seconds then. */
function StaleBanner() {
  useCell(now);
  const state = useCell(live);
  return isStale(state) && html`<div class="banner attention" role="alert">
    <p><strong>Not live since ${clockTime(state.since)}.</strong> The stream of changes is down; this page asks every five seconds instead.</p>
  </div>`;
}

/** Tells that the bus was updated while this page was open. */
function UpdateBanner() {
  return useCell(outdated) && html`<div class="banner attention" role="status">
    <p><strong>The bus was updated.</strong> This page is of the version before.</p>
    <button type="button" onClick=${() => location.reload()}>Load the page again</button>
  </div>`;
}

/** The dialog of the frame that is open. */
function Opened() {
  const which = useCell(opened);
  const dialog = useModal(Boolean(which));
  const close = () => opened.set(null);
  const onClick = ({ target }) => target === dialog.current && close();
  return html`<dialog ref=${dialog} class=${`frame ${which ?? ""}`} onClose=${close} onClick=${onClick} aria-labelledby=${`${which}-title`}>
    ${which === "find" && html`<${Find} close=${close} />`}
    ${which === "help" && html`<${Help} close=${close} />`}
    ${which === "pages" && html`<${Pages} close=${close} />`}
    ${which === "settings" && html`<${Settings} close=${close} />`}
  </dialog>`;
}

const Help = ({ close }) => html`<div class="sheet">
  <h2 id="help-title">Keys</h2>
  <dl class="facts">${keysOf(session.get()?.phase).map(([key, meaning]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${meaning}</dd></div>`)}</dl>
  <footer><button type="button" onClick=${close}>Close</button></footer>
</div>`;

/** All pages, for a window that has no room for the rail. */
const Pages = ({ close }) => html`<div class="sheet">
  <h2 id="pages-title">Pages</h2>
  <ul class="pages" onClick=${close}>${pagesOf(session.get()?.phase).map(({ name, title }) => html`<li key=${name}><a href=${address([name])}>${title}</a></li>`)}</ul>
  <footer><button type="button" onClick=${close}>Close</button></footer>
</div>`;

function Settings({ close }) {
  const visitor = useCell(session);
  const chosen = useCell(theme);
  const keys = useCell(singleKeys);
  const [problem, setProblem] = useState(null);
  const leave = async () => {
    setProblem(null);
    try {
      await logOut();
    } catch (failure) {
      setProblem(failure);
      return;
    }
    tellLogout();
    location.assign("/console/needs-me");
  };
  return html`<div class="sheet">
    <h2 id="settings-title">Settings</h2>
    <p>You are <${Text}>${visitor?.kind} ${visitor?.name}<//>, and may ${visitor?.scope === "read" ? "look" : "look and act"}. agentbus ${visitor?.version}.</p>
    ${visitor?.namespaces?.length > 1 && html`<div class="field"><span>Namespace</span><${Namespaces} visitor=${visitor} /></div>`}
    <div class="field"><span>Colours</span>
      <${Choice} label="Colours" value=${chosen} onChange=${(value) => theme.set(value)} options=${[["system", "As the system"], ["light", "Light"], ["dark", "Dark"]]} /></div>
    <div class="field"><span>Single keys, such as j and g n</span>
      <${Choice} label="Single keys" value=${keys} onChange=${(value) => singleKeys.set(value)} options=${[[true, "On"], [false, "Off"]]} /></div>
    <${Problem} problem=${problem} not="You are still logged in" look=${() => location.reload()} />
    <footer>
      <button type="button" onClick=${() => opened.set("help")}>Show all keys</button>
      <button type="button" onClick=${leave}>Log out</button>
      <button type="button" onClick=${close}>Close</button>
    </footer>
  </div>`;
}
