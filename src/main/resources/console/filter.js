// The language of the search box: qualifiers such as state:dead or agent:devops, and words. It is also the filter of the
// page Jobs, whose address holds the same fields under their names in the contract.

import { address } from "./router.js";

const MINUTE = 60000;
const UNITS = { m: MINUTE, h: 60 * MINUTE, d: 1440 * MINUTE, w: 10080 * MINUTE };
const STATES = ["waiting", "queued", "leased", "running", "succeeded", "blocked", "failed", "dead", "cancelled"];

/** The qualifiers: the word that people type, the field of listJobs, and a hint. */
export const QUALIFIERS = [
  { word: "state", field: "state", hint: "one state, or several with commas", values: STATES },
  { word: "agent", field: "targetAgent", hint: "the agent that does the job", facet: "agents" },
  { word: "subject", field: "subject", hint: "the kind of work", facet: "subjects" },
  { word: "type", field: "jobType", hint: "the job type", facet: "jobTypes" },
  { word: "flow", field: "flowKey", hint: "jobs of one flow", facet: "flows" },
  { word: "key", field: "correlationKey", hint: "the caller's own reference" },
  { word: "parent", field: "parentJobId", hint: "the children of a job" },
  { word: "trust", field: "trust", hint: "whether the payload is from outside", values: ["trusted", "untrusted"] },
  { word: "since", field: "since", hint: "created after: 2h, 3d or a date", values: ["1h", "6h", "24h", "7d", "30d"] },
  { word: "until", field: "until", hint: "created before: 2h, 3d or a date", values: ["1h", "24h", "7d"] },
];

const wordOf = (field) => QUALIFIERS.find((qualifier) => qualifier.field === field)?.word;
/** The name of a field in an address: the word that the search box knows, or text. */
const inAddress = (field) => wordOf(field) ?? field;
const FIELDS = [...QUALIFIERS.map(({ field }) => field), "text"];

/** The filter that an address holds, as texts by the names of the contract. An address may have either name of a field. */
export const filterIn = (query) =>
  Object.fromEntries(
    FIELDS.map((field) => [field, query[inAddress(field)] ?? query[field]])
      .filter(([, value]) => value)
      .map(([field, value]) => [field, String(value)]),
  );

/** The fields of an address that are no part of a filter, apart from the namespace. */
export const unknownIn = (query) =>
  Object.keys(query).filter((name) => name !== "namespace" && !FIELDS.includes(name) && !FIELDS.some((field) => inAddress(field) === name));

/** A filter, or changes of one, as the fields of an address. The longer names that an address may have had are taken away. */
export const inQuery = (filter) =>
  Object.fromEntries(Object.entries(filter).flatMap(([field, value]) => (inAddress(field) === field ? [[field, value]] : [[field, undefined], [inAddress(field), value]])));

/** The address of the page Jobs with a filter. */
export const jobsWhere = (filter) => address(["jobs"], inQuery(filter));

/** Reads "state:dead agent:devops disk full" as {state, targetAgent, text}. Values with spaces stand in quotes. */
export function readFilter(text) {
  const filter = {};
  const rest = [];
  for (const [whole, word, quoted, plain] of text.matchAll(/(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g)) {
    const field = QUALIFIERS.find((qualifier) => qualifier.word === word)?.field;
    const value = quoted ?? plain.replace(/^…/, "");
    if (field) {
      filter[field] = value;
    } else {
      rest.push(word ? whole : value);
    }
  }
  if (rest.some((part) => part !== "")) {
    filter.text = rest.join(" ");
  }
  return filter;
}

/** Writes a filter as people type it. */
export const writeFilter = (filter) =>
  Object.entries(filter)
    .map(([field, value]) => (field === "text" ? value : `${wordOf(field)}:${/\s/.test(value) ? `"${value}"` : value}`))
    .join(" ");

/** A filter in words: "dead jobs of devops with “disk full”, created in the last 2h". */
export function filterInWords({ state, targetAgent, subject, jobType, flowKey, correlationKey, parentJobId, trust, since, until, text }) {
  return [
    state?.replace(/,/g, " or "),
    trust,
    "jobs",
    targetAgent && `of ${targetAgent}`,
    subject && `on ${subject}`,
    jobType && `of type ${jobType}`,
    flowKey && `in flow ${flowKey}`,
    correlationKey && `with key ${correlationKey}`,
    parentJobId && `below ${parentJobId}`,
    text && `with “${text}”`,
    since && `created since ${ago(since)}`,
    until && `created before ${ago(until)}`,
  ]
    .filter(Boolean)
    .join(" ");
}

const ago = (value) => (/^\d+[mhdw]$/.test(value) ? `${value} ago` : value);

/** One chip of the filter bar: its text and its field. */
export const chips = (filter) => Object.entries(filter).map(([field, value]) => ({ field, text: field === "text" ? `“${value}”` : `${wordOf(field)}: ${value}` }));

/**
 * The filter as the contract takes it: relative times become times, to the minute, so that a list that is read again asks
 * the same question.
 */
export function inputOf(filter) {
  const input = { ...filter };
  for (const field of ["since", "until"]) {
    if (input[field]) {
      input[field] = timeOf(input[field]);
    }
  }
  return input;
}

function timeOf(value) {
  const [, number, unit] = /^(\d+)([mhdw])$/.exec(value) ?? [];
  const time = unit ? Math.floor((Date.now() - number * UNITS[unit]) / MINUTE) * MINUTE : Date.parse(value);
  // What is no time goes to the bus as it is, which says how a time must look.
  return Number.isNaN(time) ? value : new Date(time).toISOString();
}
