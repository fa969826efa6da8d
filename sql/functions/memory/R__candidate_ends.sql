-- How candidates end without becoming a memory: somebody rejects them, or nobody decides them.

-- Refuses (403) an agent that may not reject a candidate: its author may, and an agent that may curate it.
-- Operators may reject every one.
create or replace function require_right_to_reject(p_principal jsonb, p_candidate memory_candidates)
returns void
language plpgsql stable as $$
begin
  if may_curate(p_principal, p_candidate.visibility, p_candidate.owner_agent)
    or p_principal ->> 'name' = p_candidate.source_agent then
    return;
  end if;
  perform refuse(403, 'forbidden',
    format('agent %s may not reject candidate %s of %s', p_principal ->> 'name', p_candidate.candidate_id,
      p_candidate.source_agent),
    'candidateId', to_jsonb(p_candidate.candidate_id),
    'an operator, its author, or an agent with mayPromoteMemories in agent.yaml');
end
$$;

-- Ends an open candidate that is locked, without a memory, and withdraws its open reviews, because a conflict
-- is over with its candidate. Returns the candidate.
create or replace function end_candidate(
  p_candidate memory_candidates, p_status text, p_decided_by text, p_notes text
) returns memory_candidates language plpgsql as $$
begin
  update memory_candidates
  set status = p_status, decided_by = p_decided_by,
    decided_at = case when p_decided_by is not null then now() end,
    notes = p_notes, ended_at = now(), updated_at = now()
  where candidate_id = p_candidate.candidate_id
  returning * into p_candidate;
  update memory_reviews
  set outcome = case p_status when 'rejected' then 'rejected' else 'withdrawn' end,
    notes = p_notes, closed_by = current_actor(), closed_at = now(), updated_at = now()
  where candidate_id = p_candidate.candidate_id and closed_at is null;
  return p_candidate;
end
$$;

create or replace function reject_memory_candidate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_candidate memory_candidates;
begin
  perform refuse_agent_below_memory(p_principal, v_namespace);
  perform act_as(p_principal, v_notes);
  perform lock_memories(v_namespace);
  v_candidate := locked_candidate(p_principal, v_namespace, (p_input ->> 'candidateId')::uuid);
  perform require_right_to_reject(p_principal, v_candidate);
  if v_candidate.status = 'rejected' and v_candidate.notes = v_notes
    and v_candidate.decided_by = current_actor() then
    return candidate_json(p_principal, v_candidate, null) || '{"changed": false}';
  end if;
  perform refuse_ended_candidate(v_candidate, 'be rejected');
  v_candidate := end_candidate(v_candidate, 'rejected', current_actor(), v_notes);
  return candidate_json(p_principal, v_candidate, null) || '{"changed": true}';
end
$$;
comment on function reject_memory_candidate(jsonb, jsonb) is
  'The operation rejectMemoryCandidate: ends a candidate that is not to be remembered, with the reason. Takes candidateId and notes; returns the candidate with changed. Refuses (403) an agent without the right, (409) a candidate that has ended, and an agent while phase 4 is off or frozen.';

-- Ends the candidates that nobody has decided or added sources to for candidate_idle, at most p_limit of each
-- namespace whose phase 4 is on, under its lock_memories. Returns how many.
create or replace function expire_candidates(p_limit int) returns int
language plpgsql as $$
declare
  v_namespace text;
  v_candidate memory_candidates;
  v_expired int := 0;
begin
  perform act_as('{"kind": "dispatcher", "name": "memories"}',
    format('nobody decided it for %s days', extract(day from candidate_idle())));
  -- In the order of the names, so that two nodes do not wait for each other.
  for v_namespace in
    select namespace
    from namespaces n
    where phase_stop(namespace, 4) is null
      and exists (
        select
        from memory_candidates c
        where c.namespace = n.namespace and ended_at is null and updated_at < now() - candidate_idle())
    order by namespace
  loop
    perform lock_memories(v_namespace);
    for v_candidate in
      select *
      from memory_candidates
      where namespace = v_namespace and ended_at is null and updated_at < now() - candidate_idle()
      order by seq
      limit p_limit
      for no key update
    loop
      perform end_candidate(v_candidate, 'expired', null,
        format('Expired: nobody decided it since %s.', utc_text(v_candidate.updated_at)));
      v_expired := v_expired + 1;
    end loop;
  end loop;
  return v_expired;
end
$$;
