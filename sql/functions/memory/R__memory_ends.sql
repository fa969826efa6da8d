-- How memories end, and how they are confirmed: the operations expireMemory, expireMemories, markMemoryWrong
-- and confirmMemory, and the end at expires_at.
--
-- Operators end memories also while phase 4 is off or frozen: that is the way out of polluted memory. Agents
-- do not.
--
-- Locks: the lock of memories, then the memory.

-- Refuses (409) an agent while phase 4 is off or frozen, for the operations that operators have always.
create or replace function refuse_agent_below_memory(p_principal jsonb, p_namespace text) returns void
language plpgsql stable as $$
begin
  if is_agent(p_principal) then
    perform refuse_phase(p_namespace, 4, null);
  end if;
end
$$;

-- Returns whether an agent may curate memories with this visibility and owner: with mayPromoteMemories shared
-- all but private ones of others, and with own its own. p_may_promote is that right; null gives none.
create or replace function agent_may_curate(
  p_agent text, p_may_promote text, p_visibility text, p_owner text
) returns boolean
language sql immutable as $$
  select coalesce(case p_may_promote
    when 'shared' then p_visibility <> 'private' or p_owner = p_agent
    when 'own' then p_owner = p_agent end, false)
$$;

-- Returns whether a caller may curate memories with this visibility and owner: people may, and agents by
-- agent_may_curate.
create or replace function may_curate(p_principal jsonb, p_visibility text, p_owner text) returns boolean
language sql stable as $$
  select case
    when is_agent(p_principal) then
      agent_may_curate(p_principal ->> 'name', may_promote_of(p_principal), p_visibility, p_owner)
    else coalesce(p_principal ->> 'kind' in ('operator', 'dispatcher'), false) end
$$;

-- Refuses (403) a caller that may not curate memories with this visibility and owner, and names the agents
-- that may. p_what says what was asked for, such as expire; field and value are those of the refusal, which
-- begins with p_before.
create or replace function require_right_to_curate(
  p_principal jsonb, p_namespace text, p_visibility text, p_owner text, p_what text, p_field text,
  p_value jsonb, p_before text default ''
) returns void language plpgsql stable as $$
declare
  v_agent agents := speaker(p_principal, p_namespace);
begin
  if may_curate(p_principal, p_visibility, p_owner) then
    return;
  end if;
  perform refuse(403, 'forbidden',
    format('%sagent %s may not %s a memory that is %s%s%s', p_before, p_principal ->> 'name', p_what, p_visibility,
      coalesce(' of agent ' || p_owner, ''),
      case when not v_agent.enabled then ': it is disabled' else '' end),
    p_field, p_value,
    'an operator' || coalesce(' or one of: ' || (
      select string_agg(agent_id, ', ' order by agent_id)
      from agents
      where namespace = p_namespace
        and enabled
        and agent_may_curate(agent_id, may_promote, p_visibility, p_owner)), '')
      || ' (mayPromoteMemories in agent.yaml)');
end
$$;

-- Refuses (403) the agent that is the author of a memory. p_what says what was asked for.
create or replace function refuse_author(p_principal jsonb, p_memory memories, p_what text, p_field text)
returns void
language plpgsql stable as $$
begin
  if is_agent(p_principal) and p_principal ->> 'name' = p_memory.source_agent then
    perform refuse(403, 'forbidden', format('agent %s is the author of memory %s and does not %s it',
        p_memory.source_agent, p_memory.memory_id, p_what),
      p_field, to_jsonb(p_memory.memory_id), 'an operator, or another agent with mayPromoteMemories in agent.yaml');
  end if;
end
$$;

-- Emits an event about a memory. Every agent reads events, so title and subject are those of shared memories
-- only, and no event has the body. p_more adds fields to the payload.
create or replace function tell_memory(p_principal jsonb, p_topic text, p_memory memories, p_more jsonb)
returns void
language plpgsql as $$
begin
  perform append_event(p_memory.namespace, p_topic,
    case when is_agent(p_principal) then p_principal ->> 'name' end, (p_principal ->> 'jobId')::uuid,
    jsonb_strip_nulls(jsonb_build_object(
      'memoryId', p_memory.memory_id,
      'version', p_memory.version,
      'kind', p_memory.kind,
      'scope', p_memory.scope,
      'visibility', p_memory.visibility,
      'title', case p_memory.visibility when 'shared' then p_memory.title end,
      'subjectKey', case p_memory.visibility when 'shared' then p_memory.subject_key end,
      'sourceAgent', case p_memory.visibility when 'shared' then p_memory.source_agent end,
      'by', current_actor()) || p_more));
end
$$;

-- Ends an active memory that is locked, as superseded (by p_superseded_by), expired or wrong, with the
-- reason, and closes its reviews. Returns the memory.
create or replace function end_memory(
  p_memory memories, p_status text, p_reason text, p_superseded_by uuid default null
) returns memories language plpgsql as $$
begin
  update memories
  set status = p_status, superseded_by = p_superseded_by, ended_by = current_actor(), end_reason = p_reason,
    ended_at = now(), updated_at = now()
  where memory_id = p_memory.memory_id
  returning * into p_memory;
  perform close_memory_reviews(p_memory.memory_id, '{conflict,wrong,overdue,unused,source_changed}',
    case p_status when 'wrong' then 'marked_wrong' else p_status end, p_reason);
  return p_memory;
end
$$;

-- Returns the answer of a repeated end: the memory with changed false, when it ended in this status for this
-- reason. Null when it did not.
create or replace function same_end(p_memory memories, p_status text, p_reason text) returns jsonb
language sql stable as $$
  select memory_row(p_memory, null) || '{"changed": false}'
  where (p_memory).status = p_status
    and (p_memory).end_reason = p_reason
$$;

create or replace function expire_memory(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_memory memories;
begin
  perform refuse_agent_below_memory(p_principal, v_namespace);
  perform act_as(p_principal, v_notes);
  perform lock_memories(v_namespace);
  v_memory := locked_memory(p_principal, v_namespace, (p_input ->> 'memoryId')::uuid);
  perform require_right_to_curate(p_principal, v_namespace, v_memory.visibility, v_memory.owner_agent,
    'expire', 'memoryId', to_jsonb(v_memory.memory_id));
  if same_end(v_memory, 'expired', v_notes) is not null then
    return same_end(v_memory, 'expired', v_notes);
  end if;
  perform require_active(v_memory, 'memoryId');
  v_memory := end_memory(v_memory, 'expired', v_notes);
  perform tell_memory(p_principal, 'memory.expired', v_memory, '{}');
  return memory_row(v_memory, null) || '{"changed": true}';
end
$$;
comment on function expire_memory(jsonb, jsonb) is
  'The operation expireMemory: ends a memory that no longer holds, with the reason. Takes memoryId and notes; returns the memory with changed. Refuses (403) an agent without the right, (409) a memory that has ended otherwise, and an agent while phase 4 is off or frozen.';

create or replace function mark_memory_wrong(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_memory memories;
  v_review uuid;
begin
  perform refuse_agent_below_memory(p_principal, v_namespace);
  perform act_as(p_principal, v_notes);
  perform lock_memories(v_namespace);
  v_memory := locked_memory(p_principal, v_namespace, (p_input ->> 'memoryId')::uuid);
  if same_end(v_memory, 'wrong', v_notes) is not null then
    return same_end(v_memory, 'wrong', v_notes);
  end if;
  perform require_active(v_memory, 'memoryId');
  if may_curate(p_principal, v_memory.visibility, v_memory.owner_agent) then
    v_memory := end_memory(v_memory, 'wrong', v_notes);
    perform tell_memory(p_principal, 'memory.wrong', v_memory, '{}');
    return memory_row(v_memory, null) || '{"changed": true}';
  end if;
  v_review := open_memory_review(v_namespace, v_memory.memory_id, 'wrong', v_notes);
  return memory_row(v_memory, null) || jsonb_build_object('changed', v_review is not null,
    'reviewId', coalesce(v_review, (
      select review_id
      from memory_reviews
      where memory_id = v_memory.memory_id and kind = 'wrong' and closed_at is null)));
end
$$;
comment on function mark_memory_wrong(jsonb, jsonb) is
  'The operation markMemoryWrong: ends a memory that says something wrong, with the reason; called by an agent that may not curate it, opens a review instead (reviewId), and the memory stays until somebody decides. Takes memoryId and notes; returns the memory with changed. Refuses (409) a memory that has ended otherwise, and an agent while phase 4 is off or frozen.';

create or replace function confirm_memory(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_memory memories;
  v_next timestamptz;
  v_closed int;
begin
  perform act_as(p_principal, v_notes);
  perform lock_memories(v_namespace);
  v_memory := locked_memory(p_principal, v_namespace, (p_input ->> 'memoryId')::uuid);
  perform require_right_to_curate(p_principal, v_namespace, v_memory.visibility, v_memory.owner_agent,
    'confirm', 'memoryId', to_jsonb(v_memory.memory_id));
  perform refuse_author(p_principal, v_memory, 'confirm', 'memoryId');
  perform require_active(v_memory, 'memoryId');
  v_next := review_date(v_memory.stability, (p_input ->> 'nextReviewAt')::timestamptz);
  -- A memory that is due is reviewed by this call, also when the auditor has not opened the review yet.
  if v_memory.next_review_at <= now() then
    perform open_memory_review(v_namespace, v_memory.memory_id, 'overdue',
      format('Its review date %s has come.', utc_text(v_memory.next_review_at)));
  end if;
  -- A conflict stays open: that the memory holds does not say what becomes of the candidate.
  v_closed := close_memory_reviews(v_memory.memory_id, '{wrong,overdue,unused,source_changed}', 'confirmed', v_notes);
  if v_closed = 0 and v_memory.confirmed_by = current_actor() and v_memory.next_review_at = v_next then
    return memory_row(v_memory, null) || '{"changed": false}';
  end if;
  update memories
  set next_review_at = v_next, confirmed_by = current_actor(), confirmed_at = now(), updated_at = now()
  where memory_id = v_memory.memory_id
  returning * into v_memory;
  return memory_row(v_memory, null) || jsonb_build_object('changed', true, 'closedReviews', v_closed);
end
$$;
comment on function confirm_memory(jsonb, jsonb) is
  'The operation confirmMemory: says that a memory still holds; its review date moves on, its reviews but conflicts close as confirmed, and so does one for the date when that has come. Takes memoryId, notes and nextReviewAt (default by stability); returns the memory with changed and the number of closedReviews. Refuses (403) its author and an agent without the right, (409) a memory that has ended, and (422) a date later than the stability allows.';

-- Ends the active memories whose expires_at has come, at most p_limit of each namespace in which phase 4 is
-- on and not frozen. Returns how many. The sweep of memories calls it.
create or replace function expire_due_memories(p_limit int) returns int
language plpgsql as $$
declare
  v_namespace text;
  v_memory memories;
  v_expired int := 0;
begin
  perform act_as('{"kind": "dispatcher", "name": "memories"}', 'its time was over');
  -- In the order of the names, so that two nodes do not wait for each other.
  for v_namespace in
    select namespace
    from namespaces n
    where phase_stop(namespace, 4) is null
      and exists (
        select
        from memories m
        where m.namespace = n.namespace and status = 'active' and expires_at <= now())
    order by namespace
  loop
    perform lock_memories(v_namespace);
    for v_memory in
      select *
      from memories
      where namespace = v_namespace and status = 'active' and expires_at <= now()
      order by memory_id
      limit p_limit
      for no key update
    loop
      perform end_memory(v_memory, 'expired', format('its time was over at %s', utc_text(v_memory.expires_at)));
      v_expired := v_expired + 1;
    end loop;
  end loop;
  return v_expired;
end
$$;
