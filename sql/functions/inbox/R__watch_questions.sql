-- The sweep over open questions: it reminds people, and does what the asker chose when nobody answers.
--
-- A question names the time of its next look (look_at). The sweep moves that time in the transaction that
-- emits the reminder, so each reminder comes once, on any number of nodes and after any restart.

-- Ends a locked question whose deadline has passed, as the asker chose: its default applies, or its job is
-- cancelled with the unfinished jobs below it.
create or replace function expire_question(p_question questions) returns questions
language plpgsql as $$
declare
  v_silence text := format('nobody answered question %s until %s', p_question.question_id,
    utc_text(p_question.deadline));
begin
  perform act_as('{"kind": "dispatcher", "name": "questions"}', v_silence);
  p_question.status := 'expired';
  if p_question.on_silence = 'default' then
    p_question.answer := p_question.default_option;
    p_question.option := case
      when p_question.default_option = any (p_question.options) then p_question.default_option end;
    p_question.decision := case when p_question.kind <> 'question' then p_question.default_option end;
    p_question := close_question(p_question);
  else
    update questions
    set status = 'expired', closed_at = now(), look_at = null, updated_at = now()
    where question_id = p_question.question_id
    returning * into p_question;
    if p_question.job_id is not null then
      perform cancel_job('{"kind": "operator", "name": "bus"}', jsonb_build_object(
        'namespace', p_question.namespace, 'jobId', p_question.job_id, 'reason', v_silence));
    end if;
  end if;
  perform tell_question(p_question, 'question.expired',
    jsonb_strip_nulls(jsonb_build_object('default', p_question.default_option)));
  return p_question;
end
$$;

-- Looks at one question: reminds, or ends it when its deadline has passed. Returns what and questionId; null
-- when another call has locked it or its job, or has been faster.
create or replace function watch_question(p_question_id uuid) returns jsonb
language plpgsql as $$
declare
  v_question questions;
begin
  perform from jobs
  where job_id = (select job_id from questions where question_id = p_question_id)
  for no key update skip locked;
  if not found and exists (
    select from questions q join jobs j using (job_id) where q.question_id = p_question_id) then
    return null;
  end if;
  select * into v_question
  from questions
  where question_id = p_question_id and status = 'open' and look_at <= now()
  for no key update skip locked;
  if not found then
    return null;
  end if;
  if v_question.deadline <= now() and v_question.on_silence <> 'stay' then
    perform expire_question(v_question);
    return jsonb_build_object('what', 'expired', 'questionId', p_question_id);
  end if;
  perform act_as('{"kind": "dispatcher", "name": "questions"}', 'nobody has answered yet');
  update questions
  set reminders = reminders + 1, look_at = next_look(v_question, now()), updated_at = now()
  where question_id = p_question_id
  returning * into v_question;
  perform tell_question(v_question, 'question.reminded', jsonb_build_object(
    'reminder', v_question.reminders,
    'openSeconds', floor(extract(epoch from now() - v_question.created_at)),
    'overdue', coalesce(v_question.deadline <= now(), false)));
  return jsonb_build_object('what', 'reminded', 'questionId', p_question_id);
end
$$;

-- Looks at the open questions whose time has come, oldest first, at most p_limit (null: sweep_batch).
-- Returns watch_question of each. A question that cannot be handled does not stop the others; it emits
-- question.sweep_failed, at most once an hour.
create or replace function watch_questions(p_limit int default null) returns setof jsonb
language plpgsql as $$
declare
  v_due record;
  v_did jsonb;
begin
  for v_due in
    select question_id, job_id, namespace
    from questions
    where status = 'open' and look_at <= now() and sweep_may_try('question', question_id)
    order by look_at
    limit coalesce(p_limit, sweep_batch())
  loop
    exit when sweep_time_is_up();
    begin
      v_did := watch_question(v_due.question_id);
      perform forget_sweep_failure('question', v_due.question_id);
      if v_did is not null then
        return next v_did;
      end if;
    exception when others then
      perform note_sweep_failure('question', v_due.question_id, v_due.namespace, sqlerrm);
      perform append_event_of_failure(v_due.namespace, 'question.sweep_failed', v_due.job_id,
        jsonb_build_object('questionId', v_due.question_id, 'error', left(sqlerrm, 2000)),
        once_key(v_due.question_id::text, date_trunc('hour', now(), 'UTC')));
    end;
  end loop;
end
$$;
