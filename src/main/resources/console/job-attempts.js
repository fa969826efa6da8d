// The attempts of a job. An opened one shows the memories in its prompt, the prompt as sent, what was injected, the answer, its
// usage and its run.

import { bytes, counted, duration, words } from "./format.js";
import { Json } from "./json.js";
import { html } from "./lib.js";
import { State } from "./marks.js";
import { useRead } from "./reads.js";
import { address, setQuery } from "./router.js";
import { Answer, Facts, Fold, Id, Table, Text, Time } from "./ui.js";

/**
 * The attempts, the newest first.
 *
 * @param job the answer of getJob
 * @param open the number of the opened attempt, from the address
 */
export function Attempts({ job, open }) {
  if (job.attempts.length === 0) {
    return html`<p class="quiet">None yet.</p>`;
  }
  return [...job.attempts].reverse().map(({ attemptNo, status, startedAt, finishedAt, summary, error, memories }) => html`
    <${Fold} key=${attemptNo} open=${String(attemptNo) === open} onToggle=${(opened) => setQuery({ attempt: opened ? attemptNo : undefined })}
      title=${html`Attempt ${attemptNo} <${State} state=${status} />${" "}
        <span class="quiet"><${Time} at=${startedAt} inRow />, ${lasted(startedAt, finishedAt)}${memories && `, ${counted(memories.length, "memory")}`}</span>${" "}
        <span class="clip"><${Text}>${summary ?? error}<//></span>`}>
      <${Attempt} jobId=${job.jobId} attemptNo=${attemptNo} />
    <//>`);
}

const lasted = (from, to) => (to ? `lasted ${duration((Date.parse(to) - Date.parse(from)) / 1000)}` : "not ended");

function Attempt({ jobId, attemptNo }) {
  const read = useRead("getAttempt", { jobId, attemptNo }, ["jobs"]);
  return html`<${Answer} read=${read} not=${`Attempt ${attemptNo} was not read`}>
    ${(attempt) => html`
      <${Facts} facts=${[
        ["Status", words(attempt.status)],
        ["Gateway", attempt.gateway && html`<${Text}>${attempt.gateway} ${attempt.gatewayVersion}<//>`],
        ["Run", attempt.runId && html`<${Text}>${attempt.runId}<//>`],
        ["Session", attempt.sessionKey && html`<${Text}>${attempt.sessionKey}<//>`],
        ["Admitted", attempt.admittedAt && html`<${Time} at=${attempt.admittedAt} />`],
        ["Ended", attempt.finishedAt && html`<${Time} at=${attempt.finishedAt} />`],
        ["Summary", attempt.summary && html`<${Text} lines>${attempt.summary}<//>`],
        ["Error", attempt.error && html`<${Text} lines>${attempt.error}<//>`],
        ["Prompt hash", html`<${Id} id=${attempt.promptHash} />`],
        ["Attempt id", html`<${Id} id=${attempt.attemptId} />`],
      ]} />
      ${attempt.memories?.length > 0 && html`<h3>Memories in the prompt</h3><${Memories} rows=${attempt.memories} />`}
      <h3>Prompt as sent ${attempt.promptBytes && html`<span class="quiet">cut; the whole has ${bytes(attempt.promptBytes)}</span>`}</h3>
      ${attempt.prompt ? html`<pre class="prompt" tabindex="0"><bdi>${attempt.prompt}</bdi></pre>` : html`<p class="quiet">No prompt is kept.</p>`}
      ${attempt.injected?.length > 0 && html`<h3>Injected</h3><${Json} value=${attempt.injected} label="Injected" />`}
      ${attempt.response && html`<h3>Answer to the close</h3><${Json} value=${attempt.response} label="Answer to the close" />`}
      ${attempt.usage && html`<h3>Usage</h3><${Json} value=${attempt.usage} label="Usage" />`}
    `}
  <//>`;
}

/** The memories of a prompt in their order, each with what the agent said of it. */
const Memories = ({ rows }) => html`<${Table} label="Memories in the prompt" rows=${rows} keyOf=${({ memoryId }) => memoryId} columns=${[
  { title: "Place", kind: "number", cell: ({ rank }) => `m${rank}` },
  { title: "Memory", kind: "main", cell: ({ memoryId, title }) => html`<a data-open id=${`row-${memoryId}`} href=${address(["memories", memoryId])}><${Text}>${title ?? "a memory that has retired"}<//></a>` },
  { title: "Kind", cell: ({ kind }) => kind && words(kind) },
  { title: "Now", cell: ({ memoryStatus }) => memoryStatus && html`<${State} state=${memoryStatus} />` },
  { title: "Verdict", cell: ({ verdict }) => (verdict ? html`<${State} state=${verdict} />` : html`<span class="quiet">none</span>`) },
  { title: "Note", kind: "wide", cell: ({ verdictNote }) => html`<${Text}>${verdictNote}<//>` },
]} />`;
