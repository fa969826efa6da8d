-- Only an idea that a person or the triage has archived counts as a decision about its author
-- (decided_proposals); one that grew old does not. The index had both, so each rate of an author read the
-- rows of all its old ideas.
create index ideas_turned_down_by_agent on ideas (namespace, source_agent, created_at)
  where status = 'archived' and reviewed_at = ended_at;
drop index ideas_archived_by_agent;
