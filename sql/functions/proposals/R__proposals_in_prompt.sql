-- What the prompt of a proactive or idle job tells its agent about proposals, and that of a job which looks
-- for memories about its candidates.

-- Returns the notes of the decision that rejected an opportunity, or with which an idea was archived; null
-- when there are none.
create or replace function rejection_notes(p_kind text, p_id uuid) returns text
language sql stable as $$
  select case p_kind
    when 'idea' then (select notes from ideas where idea_id = p_id)
    else (
      select notes
      from opportunity_reviews
      where opportunity_id = p_id and decision = 'rejected'
      order by seq desc
      limit 1) end
$$;

-- Returns what an agent is told about its own proposals: its budgets (proposal_budget), and of its newest
-- decided ones, decided_in_prompt at most: how many there are (decided), how many were accepted, how many of
-- the jobs that came of them succeeded (hits) and how many ended otherwise (misses), and each rejected one
-- with kind, id, title and notes, newest first. Titles and notes are cut to list_text characters.
create or replace function own_proposals(p_namespace text, p_agent text) returns jsonb
language sql stable as $$
  select proposal_budget(p_namespace, p_agent) || (
    select jsonb_build_object(
      'decided', count(*),
      'accepted', count(*) filter (where accepted),
      'hits', count(*) filter (where hit),
      'misses', count(*) filter (where not hit),
      'rejected', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'kind', kind,
        'id', id,
        'title', left(title, list_text()),
        'notes', left(rejection_notes(kind, id), list_text()))) order by made_at desc, id)
        filter (where not accepted), '[]'))
    from (
      select *, job_hit(job_id) as hit
      from decided_proposals(p_namespace, p_agent, decided_in_prompt())) newest)
$$;

-- Returns whether the prompt of jobs of this type tells of proposals: proactive and idle ones.
create or replace function tells_of_proposals(p_job_type text) returns boolean
language sql immutable as $$
  select split_part(p_job_type, '.', 1) in ('proactive', 'idle')
$$;

-- Returns an object with proposals, as own_proposals returns them, for the prompt of a job that tells of
-- them; an empty one while phase 3 is off or frozen, and for an agent that may make none.
create or replace function proposals_for_prompt(p_namespace text, p_agent text) returns jsonb
language plpgsql stable as $$
declare
  v_own jsonb;
begin
  if phase_stop(p_namespace, 3) is not null then
    return '{}';
  end if;
  v_own := own_proposals(p_namespace, p_agent);
  if v_own #>> '{ideas,budget}' = '0' and v_own #>> '{opportunities,budget}' = '0' then
    return '{}';
  end if;
  return jsonb_build_object('proposals', v_own);
end
$$;

-- Returns whether the prompt of a job tells how to propose a memory candidate: that of a job which tells of
-- proposals, and of a standing order whose name ends in -memory-extract.
create or replace function tells_of_candidates(p_job_type text, p_subject text) returns boolean
language sql immutable as $$
  select tells_of_proposals(p_job_type) or p_subject like 'standing\_order.%-memory-extract'
$$;

-- Returns an object with candidates, the agent's budget of memory candidates today with freeAt, for the
-- prompt of a job that tells of them; an empty one while phase 4 is off or frozen, and for an agent that may
-- make none.
create or replace function candidates_for_prompt(p_namespace text, p_agent text) returns jsonb
language sql stable as $$
  select case when budget #> '{memoryCandidates,budget}' > '0'
    then jsonb_build_object('candidates',
      (budget -> 'memoryCandidates') || jsonb_build_object('freeAt', budget -> 'freeAt'))
    else '{}' end
  from proposal_budget(p_namespace, p_agent) budget
$$;
