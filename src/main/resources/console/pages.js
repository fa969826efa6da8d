// The table of pages. Adding a page takes one file, whose default export is a component, and one line here.
//
// A page gets id (the second part of its path) and query (the fields of its address; setQuery of router.js changes them).
// It reads with useRead or useList, shows <Answer>, and acts with ask(): see ui.js, reads.js, list.js and act.js. The
// keys j, k, x, Enter and . work in every list whose rows have data-row, with a link data-open, a box data-select or a
// button data-actions in them; Table does the first.

/**
 * Each page: name (its path and icon), title, key (after g), load; rail says whether the rail shows it, beside the page of
 * the rail that leads to it, and phase the phase of the bus that it needs. A page with an id in its path has detail, with a
 * title and a load of its own.
 */
export const PAGES = [
  { name: "needs-me", title: "Needs me", key: "n", rail: true, load: () => import("./page-needs-me.js") },
  { name: "overview", title: "Overview", key: "o", rail: true, load: () => import("./page-overview.js") },
  {
    name: "jobs", title: "Jobs", key: "j", rail: true, load: () => import("./page-jobs.js"),
    detail: { title: "Job", load: () => import("./page-job.js") },
  },
  {
    name: "orders", title: "Orders", key: "s", rail: true, load: () => import("./page-orders.js"),
    detail: { title: "Standing order", load: () => import("./page-order.js") },
  },
  {
    name: "agents", title: "Agents", key: "a", rail: true, load: () => import("./page-agents.js"),
    detail: { title: "Agent", load: () => import("./page-agent.js") },
  },
  {
    name: "opportunities", title: "Proposals", key: "p", rail: true, phase: 3, load: () => import("./page-opportunities.js"),
    detail: { title: "Opportunity", load: () => import("./page-opportunity.js") },
  },
  {
    name: "ideas", title: "Ideas", key: "i", phase: 3, beside: "opportunities", load: () => import("./page-ideas.js"),
    detail: { title: "Idea", load: () => import("./page-idea.js") },
  },
  {
    name: "memories", title: "Memory", key: "m", rail: true, phase: 4, load: () => import("./page-memories.js"),
    detail: { title: "Memory", load: () => import("./page-memory.js") },
  },
  {
    name: "memory-candidates", title: "Memory candidates", key: "d", phase: 4, beside: "memories", load: () => import("./page-candidates.js"),
    detail: { title: "Memory candidate", load: () => import("./page-candidate.js") },
  },
  { name: "memory-reviews", title: "Memory reviews", key: "v", phase: 4, beside: "memories", load: () => import("./page-memory-reviews.js") },
  { name: "idle", title: "Idle", key: "t", rail: true, phase: 5, load: () => import("./page-idle.js") },
  { name: "vault", title: "Vault", key: "f", phase: 5, beside: "idle", load: () => import("./page-vault.js") },
  { name: "reports", title: "Reports", key: "r", rail: true, load: () => import("./page-reports.js"), detail: { title: "Report", load: () => import("./page-report.js") } },
  { name: "events", title: "Events", key: "e", rail: true, load: () => import("./page-events.js") },
  { name: "audit", title: "Audit", key: "u", rail: true, load: () => import("./page-audit.js") },
  { name: "gateways", title: "Gateways", key: "w", rail: true, load: () => import("./page-gateways.js") },
  { name: "account", title: "Account", key: "c", rail: true, load: () => import("./page-account.js") },
  { name: "questions", title: "Questions", key: "q", load: () => import("./page-questions.js"), detail: { title: "Question", load: () => import("./page-question.js") } },
  { name: "bulk", title: "Bulk actions", key: "b", load: () => import("./page-bulk.js"), detail: { title: "Bulk action", load: () => import("./page-bulk.js") } },
];

/** Finds the page of a path. Returns the page, its title and load, and the id in the path; undefined if there is none. */
export function pageOf([name, id]) {
  const page = PAGES.find((candidate) => candidate.name === name);
  if (!page || (id && !page.detail)) {
    return undefined;
  }
  const { title, load } = id ? page.detail : page;
  return { page, title, load, id };
}

/** The pages that the phase of the bus has turned on. */
export const pagesOf = (phase = 1) => PAGES.filter((page) => (page.phase ?? 1) <= phase);
