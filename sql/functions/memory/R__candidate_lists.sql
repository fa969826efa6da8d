-- The list of memory candidates.

-- Returns whether the filter of a list asks for open candidates only.
create or replace function only_open_candidates(p_input jsonb) returns boolean
language sql immutable as $$
  select (p_input ->> 'status' = 'new') is true
$$;

-- Returns the candidates among which a list searches, newest first, at most p_limit: the open ones when only
-- these are asked for, otherwise all. Only one branch runs, so that the open ones are found beside any number
-- of others.
create or replace function candidates_to_list(p_namespace text, p_input jsonb, p_before bigint, p_limit int)
returns setof memory_candidates
language sql stable as $$
  (
    select *
    from memory_candidates
    where only_open_candidates(p_input) and ended_at is null and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
  union all
  (
    select *
    from memory_candidates
    where not only_open_candidates(p_input) and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
$$;

-- Returns whether a candidate fits the filter of a list.
create or replace function candidate_fits(p_candidate memory_candidates, p_input jsonb) returns boolean
language sql immutable as $$
  select (p_input ->> 'status' is null
      or (p_candidate).status = any (string_to_array(p_input ->> 'status', ',')))
    and (p_input ->> 'sourceAgent' is null or (p_candidate).source_agent = p_input ->> 'sourceAgent')
    and (p_input ->> 'ownerAgent' is null or (p_candidate).owner_agent = p_input ->> 'ownerAgent')
    and (p_input ->> 'candidateKind' is null or (p_candidate).kind = p_input ->> 'candidateKind')
    and (p_input ->> 'scope' is null or (p_candidate).scope = p_input ->> 'scope')
    and (p_input ->> 'subjectKey' is null
      or (p_candidate).subject_key = memory_subject_key(p_input ->> 'subjectKey'))
    and (p_input ->> 'visibility' is null or (p_candidate).visibility = p_input ->> 'visibility')
    and (p_input ->> 'trust' is null or (p_candidate).trust = p_input ->> 'trust')
$$;

create or replace function list_memory_candidates(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_rows refcursor;
begin
  open v_rows for
    select c.seq, c.created_at,
      case when candidate_fits(c, p_input) and candidate_visible(p_principal, c)
        then candidate_json(p_principal, c, list_text()) end as shown
    from candidates_to_list(v_namespace, p_input,
      coalesce((p_input ->> 'before')::bigint, 9223372036854775807), proposal_looks()) c;
  return page_of(v_rows, 'candidates', p_input, proposal_looks());
end
$$;
comment on function list_memory_candidates(jsonb, jsonb) is
  'The operation listMemoryCandidates: the candidates that the caller may read, newest first, at most limit (default 50) and at most answer_bytes. Every other field of the input narrows the list; next of the answer is before of the following page. A call reads at most proposal_looks rows; when it stops there, the answer says how far it has searched (searchedTo).';
