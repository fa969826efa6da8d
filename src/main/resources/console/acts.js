// The acts on a job: which fit its state, what they will do in words, and what undoes them.

import { counted } from "./format.js";

const NOT_STARTED = ["waiting", "queued", "blocked"];
const LIVE = ["leased", "running"];
const NOT_ENDED = [...NOT_STARTED, ...LIVE];

const waitsForTime = (job) =>
  (job.state === "queued" && Date.parse(job.runAfter) > Date.now()) || (job.state === "blocked" && Boolean(job.blockedUntil));

/**
 * The acts, in the order of the action bar. bulk is the name in start-bulk-action; states are those that the act fits;
 * will completes the sentence "This …"; fields are asked beside the reason.
 */
const ACTS = [
  {
    operation: "unblockJob", verb: "Answer and unblock", states: ["blocked"], will: "puts the job back to work with your answer",
    fields: () => [{ name: "answer" }],
  },
  {
    operation: "redriveJob", bulk: "redrive", verb: "Redrive", states: ["dead", "failed"],
    will: "gives it a new set of attempts",
  },
  {
    operation: "retryNow", bulk: "retry_now", verb: "Retry now", states: ["queued", "blocked"], fits: waitsForTime,
    will: "starts it at once, without the rest of its wait",
  },
  { operation: "dismissJob", bulk: "dismiss", verb: "Dismiss", states: ["dead"], will: "ends the dead letter as cancelled; it needs nobody any more" },
  {
    operation: "extendAttempt", ofAttempt: true, verb: "Extend attempt", states: LIVE, will: "gives the attempt at work more time",
    fields: () => [{ name: "seconds", value: 1800 }, { name: "reason" }],
  },
  {
    operation: "endAttempt", ofAttempt: true, verb: "End attempt", states: LIVE, danger: true,
    will: "ends the attempt at work and aborts its run; the job is retried by its policy",
  },
  {
    operation: "setPriority", bulk: "set_priority", verb: "Set priority", states: NOT_ENDED, will: "moves it forward or back in its queue",
    fields: (job) => [{ name: "priority", value: job?.priority ?? 100 }, { name: "reason" }],
    undo: (job) => job && { operation: "setPriority", input: { jobId: job.jobId, priority: job.priority } },
  },
  {
    operation: "reassignJob", bulk: "reassign", verb: "Reassign", states: [...NOT_STARTED, "failed", "dead"], will: "gives it to another agent that accepts its subject",
    fields: () => [{ name: "targetAgent" }, { name: "reason" }],
    undo: (job) => job && { operation: "reassignJob", input: { jobId: job.jobId, targetAgent: job.targetAgent } },
  },
  {
    operation: "cancelJob", bulk: "cancel", verb: "Cancel", states: NOT_ENDED, danger: true,
    will: "ends it and the unfinished jobs below it; a run at work is aborted",
  },
  {
    operation: "killJob", bulk: "kill", verb: "Kill", states: NOT_ENDED, danger: true,
    will: "makes it a dead letter at once; a run at work is aborted",
  },
];

/** The act on the attempt that is seen names it, so that a late click does not reach the next one. */
const inputOf = (act, job) => (act.ofAttempt ? { jobId: job.jobId, attemptNo: job.attemptNo } : { jobId: job.jobId });

const fits = (act, job) => act.states.includes(job.state) && !job.retiredAt && (act.fits?.(job) ?? true);

/** The acts that fit a job in its state, each ready to be asked for. */
export const actsFor = (job) => ACTS.filter((act) => fits(act, job)).map((act) => actOnOne(act, job));

function actOnOne(act, job) {
  return {
    label: act.verb,
    danger: act.danger,
    title: `${act.verb} this job`,
    sentence: `This ${act.will}: ${job.subject} for ${job.targetAgent}.`,
    operation: act.operation,
    input: inputOf(act, job),
    fields: act.fields?.(job),
    undo: act.undo && (() => act.undo(job)),
  };
}

/** The acts that fit at least one of the chosen jobs; each touches only those that it fits. */
export function actsForSome(jobs) {
  return ACTS.filter(({ bulk }) => bulk)
    .map((act) => ({ act, fitting: jobs.filter((job) => fits(act, job)) }))
    .filter(({ fitting }) => fitting.length > 0)
    .map(({ act, fitting }) => ({
      label: `${act.verb} ${fitting.length}`,
      danger: act.danger,
      title: `${act.verb} ${counted(fitting.length, "job")}`,
      sentence: `For each job, this ${act.will}.${leftAlone(jobs.length - fitting.length)}`,
      operation: act.operation,
      inputs: fitting.map(({ jobId }) => ({ jobId })),
      fields: act.fields?.(),
    }));
}

const leftAlone = (others) => (others > 0 ? ` ${counted(others, "chosen job")} in another state stay as they are.` : "");

/** The acts on all jobs that match a filter, run by the server; states are those of the filter, or undefined for all. */
export function actsForAll(filter, states, then) {
  return ACTS.filter(({ bulk, states: own }) => bulk && (!states || own.some((state) => states.includes(state)))).map(
    (act) => {
      const chosen = Object.keys(filter).length > 0 ? filter : { all: true };
      return {
        label: `${act.verb} all`,
        verb: act.verb,
        danger: act.danger,
        title: `${act.verb} all that match`,
        sentence: `For each of them, this ${act.will}. The server works in batches; you can stop it.`,
        operation: "startBulkAction",
        input: { operation: act.bulk, filter: chosen, idempotencyKey: crypto.randomUUID() },
        preview: { operation: act.bulk, filter: chosen },
        fields: act.fields?.(),
        then,
      };
    },
  );
}
