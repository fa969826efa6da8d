-- An archived idea is a decision about its author (decided_proposals) if a person or the triage has archived
-- it, and none if it only grew old. The index before this one held the ideas of both kinds, so each rate of
-- an author read all its ideas that had grown old.
create index ideas_turned_down_by_agent on ideas (namespace, source_agent, created_at)
  where status = 'archived' and reviewed_at = ended_at;
drop index ideas_archived_by_agent;
