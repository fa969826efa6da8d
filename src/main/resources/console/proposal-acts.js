// The acts on an opportunity and on an idea: which fit its status, and what they will do in words. The bus checks them again.

import { mayAct } from "./api.js";
import { laneIsOn } from "./proposals.js";

const WAITING = ["new", "triaged", "accepted"];
const OPEN = [...WAITING, "parked"];

/** The acts on an opportunity, in the order of the bar; will completes the sentence "This …". */
const ON_OPPORTUNITY = [
  { label: "Accept", states: ["new", "triaged"], decision: "accepted", title: "Accept this opportunity", will: "keeps it for a job, which Convert to job makes" },
  {
    label: "Convert to job", states: WAITING, operation: "convertOpportunity", title: "Convert this opportunity to a job",
    will: "gives the agent a proactive job, which comes after all its other work",
    fields: (row) => [{ name: "targetAgent", value: row.ownerCandidate }, { name: "subject" }, { name: "notes" }],
  },
  { label: "Triage", states: ["new"], decision: "triaged", title: "Triage this opportunity", will: "says that it is worth a decision" },
  { label: "Triage again", states: ["parked"], decision: "triaged", title: "Triage this opportunity again", will: "takes it up before its date" },
  {
    label: "Park", states: OPEN, decision: "parked", title: "Park this opportunity", will: "puts it aside; the bus takes it up again at the date",
    fields: () => [{ name: "until", label: "Until, at most a year ahead", optional: false }, { name: "notes" }],
  },
  {
    label: "Merge", states: OPEN, operation: "mergeOpportunity", title: "Merge this opportunity into another",
    will: "ends it; the other one takes over its evidence", fields: () => [{ name: "into" }, { name: "notes" }],
  },
  {
    label: "Reject", states: OPEN, decision: "rejected", danger: true, title: "Reject this opportunity",
    will: "ends it for good; for 30 days the same proposal is refused with your words",
  },
];

const PROMOTED = ["whyNow", "ifNothing", "impactScore", "confidenceScore", "urgencyScore", "reversibility", "ownerCandidate", "suggestedNextStep"];

const ON_IDEA = [
  {
    label: "Promote to opportunity", operation: "promoteIdeaToOpportunity", title: "Promote this idea to an opportunity",
    will: "makes an opportunity with its title and evidence, on which somebody decides",
    fields: (row) => [...PROMOTED.map((name) => ({ name })), { name: "evidence", optional: row.evidence.length > 0 }],
  },
  { label: "Review", operation: "reviewIdea", title: "Review this idea", will: "keeps what you think of it; its 14 days begin anew" },
  { label: "Archive", operation: "archiveIdea", danger: true, title: "Archive this idea", will: "ends it for good" },
];

/** The acts that fit an opportunity in its status, each ready to be asked for; none for people who may only look. */
export const actsOnOpportunity = (row) =>
  offered(ON_OPPORTUNITY.filter(({ states }) => states.includes(row.status))).map((act) => ({
    ...shared(act, row),
    operation: act.operation ?? "triageOpportunity",
    input: { opportunityId: row.opportunityId, ...(act.decision && { decision: act.decision }) },
    audit: { table: "opportunities", rowId: row.opportunityId },
  }));

/** The acts that fit an idea in its status; then receives the answer of a promotion. */
export const actsOnIdea = (row, then) =>
  offered(["new", "reviewed"].includes(row.status) ? ON_IDEA : []).map((act) => ({
    ...shared(act, row),
    operation: act.operation,
    input: { ideaId: row.ideaId },
    audit: { table: "ideas", rowId: row.ideaId },
    then: act.operation === "promoteIdeaToOpportunity" ? then : undefined,
  }));

const offered = (acts) => (mayAct() && laneIsOn() ? acts : []);

const shared = ({ label, danger, title, will, fields }, row) => ({
  label,
  danger,
  title,
  sentence: `This ${will}: ${row.title}, by ${row.sourceAgent}.`,
  fields: fields?.(row) ?? [{ name: "notes" }],
});
