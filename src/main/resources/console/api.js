// Calls of operations. Method and path come from operations.js, which the server makes from its contract.

import { cell } from "./lib.js";
import { parseJson } from "./numbers.js";
import { operations } from "./operations.js";
import { namespaceInUrl } from "./router.js";

const UNAUTHORIZED = 401;
const UNAVAILABLE = 503;

/** What index.html has asked before the scripts were there, by URL. Only the start takes it, because it would be old later. */
const asked = globalThis.asked ?? new Map();
setTimeout(() => asked.clear());

/** The answer of whoami; null while nobody has logged in, undefined while that is not known. */
export const session = cell(undefined);

/** A refusal or a failure, in words. */
export class Problem extends Error {
  /**
   * @param status the HTTP status; 0 if there was no answer
   * @param code the stable code of the contract, or "no_answer"
   * @param detail the reason for people
   * @param fields the other fields of the problem
   */
  constructor(status, code, detail, fields = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }

  /** Whether an act may have been done although its answer was lost, as when the connection or a proxy fails. */
  get unsure() {
    return this.code === "no_answer" || (this.status === UNAVAILABLE && !this.message.includes("nothing was changed"));
  }
}

/** Whether the visitor may act, and not only look. */
export const mayAct = () => session.get()?.scope !== "read";

/** Whether the bus has this phase turned on. */
export const phaseIsOn = (phase) => (session.get()?.phase ?? 1) >= phase;

/** The namespace of the page: that of the address, else that of the token, else the one that calls use without a name. */
export const namespaceOfPage = () => namespaceInUrl() ?? session.get()?.namespace ?? "default";

/**
 * Calls an operation.
 *
 * @param operationId the operation's id in the contract
 * @param input its fields; absent ones may be undefined
 * @param signal ends the call early
 * @param namespace where; null for that of the token; that of the address of the page if it is left out
 * @returns the answer
 * @throws Problem when it is refused or fails
 */
export async function call(operationId, input = {}, { signal, namespace = namespaceInUrl() } = {}) {
  const operation = operations[operationId];
  if (!operation) {
    throw new Problem(0, "no_such_operation", `This bus has no operation ${operationId}.`);
  }
  return send(...requestOf(operation, input, namespace), signal);
}

/** Makes method, path and body: fields of the path first, then the query of a GET or the body of a POST. */
function requestOf({ method, path }, input, namespace) {
  const rest = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined && value !== ""));
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  if (namespace) {
    query.set("namespace", namespace);
  }
  if (method === "GET") {
    for (const [name, value] of Object.entries(rest)) {
      query.set(name, value);
    }
  }
  const url = query.size > 0 ? `${filled}?${query}` : filled;
  return [method, url, method === "GET" ? undefined : JSON.stringify(rest)];
}

async function send(method, url, body, signal) {
  let response;
  let text;
  try {
    response = await ((method === "GET" && taken(url)) || fetch(url, {
      method,
      body,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
    }));
    text = await response.text();
    signal?.throwIfAborted();
  } catch (failure) {
    if (failure.name === "AbortError") {
      throw failure;
    }
    throw new Problem(0, "no_answer", "The bus does not answer.");
  }
  if (response.ok) {
    return text === "" ? {} : parseJson(text);
  }
  if (response.status === UNAUTHORIZED && session.get()) {
    // The next person in this tab must not see what this one has read, so nothing of the page stays.
    location.reload();
  }
  throw problemOf(response, text);
}

/** The answer that is on its way since before the start; undefined for another URL, and when it is taken already. */
function taken(url) {
  const answer = asked.get(url);
  asked.delete(url);
  return answer;
}

function problemOf(response, text) {
  try {
    const { code, detail, ...fields } = parseJson(text);
    return new Problem(response.status, code, detail, fields);
  } catch {
    return new Problem(response.status, "no_answer", `The answer was HTTP ${response.status} without a reason.`);
  }
}

/** Asks who is logged in, and sets the session. A failure other than "nobody" is thrown. */
export async function readSession() {
  const before = session.get();
  try {
    const visitor = await call("whoami");
    if (before && (before.kind !== visitor.kind || before.name !== visitor.name)) {
      // Somebody else has logged in with another tab.
      location.reload();
    }
    session.set(visitor);
  } catch (problem) {
    if (problem.status !== UNAUTHORIZED) {
      throw problem;
    }
    session.set(null);
  }
}

/** Logs in with a token. The token is sent once, and neither kept nor written into an address. */
export async function logIn(token) {
  await send("POST", "/console/session", JSON.stringify({ token }));
  await readSession();
}

/** Ends the session on the server. The page must be loaded anew afterwards, because it holds what this person has read. */
export const logOut = () => send("DELETE", "/console/session");
