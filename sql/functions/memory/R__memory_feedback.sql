-- What agents say of the memories in their prompts when they close a job: used, irrelevant or wrong.
--
-- Feedback never holds a close. What cannot be kept is named in the answer, in memoriesIgnored.

-- Returns the memories in the prompt of an attempt with the numbers that they have there: m1 is the first.
create or replace function numbered_memories(p_attempt uuid) returns table (memory_id uuid, number text)
language sql stable as $$
  select memory_id, 'm' || row_number() over (order by rank, memory_id)
  from memory_injections
  where attempt_id = p_attempt
$$;

-- Opens a review of kind wrong as open_memory_review does. p_detail says why.
create or replace function open_wrong_review(p_memory_id uuid, p_detail text) returns void
language sql as $$
  select open_memory_review(namespace, memory_id, 'wrong', p_detail)
  from memories
  where memory_id = p_memory_id
$$;

-- Keeps what the agent of a live attempt says of the memories in its prompt. p_verdicts is the field memories
-- of a close: objects with id (an id, or a number as in the prompt), verdict and note; of two about one
-- memory the first counts. A memory that is called wrong gets a review at once.
-- Returns an object with memoriesIgnored, the ids that name no memory in this prompt or have no verdict that
-- there is, for the answer; an empty object without such. While phase 4 is off or frozen nothing is kept, and
-- all are ignored.
create or replace function keep_verdicts(p_attempt job_attempts, p_verdicts jsonb) returns jsonb
language plpgsql as $$
declare
  v_said record;
  v_ignored jsonb := '[]';
  v_stopped boolean;
begin
  if coalesce(jsonb_array_length(p_verdicts), 0) = 0 then
    return '{}';
  end if;
  v_stopped := phase_stop(p_attempt.namespace, 4) is not null;
  for v_said in
    select distinct on (n.memory_id, case when n.memory_id is null then said.place end)
      n.memory_id, said.value ->> 'id' as id, said.value ->> 'verdict' as verdict,
      left(nullif(several_lines(said.value ->> 'note'), ''), verdict_note_length()) as note
    from jsonb_array_elements(p_verdicts) with ordinality as said (value, place)
    left join numbered_memories(p_attempt.attempt_id) n
      on lower(btrim(said.value ->> 'id')) in (n.memory_id::text, n.number)
    -- Memories are locked in the order of their ids, as everywhere.
    order by n.memory_id, case when n.memory_id is null then said.place end, said.place
  loop
    if v_said.memory_id is null or v_stopped
      or (v_said.verdict in ('used', 'irrelevant', 'wrong')) is not true then
      v_ignored := v_ignored || to_jsonb(coalesce(v_said.id, 'no id'));
      continue;
    end if;
    update memory_injections
    set verdict = v_said.verdict, verdict_note = v_said.note, verdict_at = now()
    where attempt_id = p_attempt.attempt_id and memory_id = v_said.memory_id;
    if v_said.verdict = 'wrong' then
      perform open_wrong_review(v_said.memory_id, concat_ws(': ',
        format('agent %s called it wrong at the end of attempt %s of job %s', p_attempt.agent_id,
          p_attempt.attempt_no, p_attempt.job_id), v_said.note));
    end if;
  end loop;
  return case when v_ignored = '[]' then '{}' else jsonb_build_object('memoriesIgnored', v_ignored) end;
end
$$;
