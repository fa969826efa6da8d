-- How a question ends: by an answer, by a withdrawal, or with the block of its job. The end by silence is in
-- R__watch_questions.sql.

-- Returns an answer in one text: decision, option and words.
create or replace function answer_text(p_question questions) returns text
language sql stable as $$
  select concat_ws(': ', (p_question).decision,
    nullif((p_question).option, (p_question).answer),
    nullif((p_question).answer, (p_question).decision))
$$;

-- Returns the text that a prompt shows for the end of a question.
create or replace function told_text(p_question questions) returns text
language sql stable as $$
  select case (p_question).status
    when 'answered' then answer_text(p_question)
    when 'expired' then format('nobody answered question %s until %s; the default applies: %s',
      (p_question).question_id, utc_text((p_question).deadline), (p_question).default_option)
    else 'the question was withdrawn by ' || (p_question).closed_why end
$$;

-- Returns how a question ended, in words for the next person who wants to answer it.
create or replace function question_end_text(p_question questions) returns text
language sql stable as $$
  select case (p_question).status
    when 'answered' then format('was answered by %s at %s: %s', (p_question).answered_by,
      utc_text((p_question).closed_at), answer_text(p_question))
    when 'expired' then format('expired unanswered at %s: %s', utc_text((p_question).closed_at),
      case (p_question).on_silence
        when 'default' then 'its default applies, ' || (p_question).default_option
        else 'its job was cancelled' end)
    else format('was withdrawn at %s: %s', utc_text((p_question).closed_at), (p_question).closed_why) end
$$;

-- Locks the job of a question and then the question, and returns the question as it is then. Refuses an
-- unknown question (404).
create or replace function locked_question(p_namespace text, p_question_id uuid) returns questions
language plpgsql as $$
declare
  v_question questions := question_of(p_namespace, p_question_id);
begin
  perform from jobs where job_id = v_question.job_id for no key update;
  -- A retired question is closed, so there is nothing to lock.
  perform from questions where question_id = p_question_id for no key update;
  return question_of(p_namespace, p_question_id);
end
$$;

-- Refuses (409, question_closed) a question that has ended.
create or replace function require_open(p_question questions) returns void
language plpgsql stable as $$
begin
  if p_question.status <> 'open' then
    perform refuse(409, 'question_closed',
      format('question %s %s', p_question.question_id, question_end_text(p_question)),
      'questionId', to_jsonb(p_question.question_id), 'an open question');
  end if;
end
$$;

-- Refuses (409, content_changed) a decision that names another content than the question has, and (422) an
-- approval that names none.
create or replace function require_content(p_question questions, p_input jsonb) returns void
language plpgsql stable as $$
begin
  if p_question.kind = 'approval' and not p_input ? 'contentHash' then
    perform refuse(422, 'invalid_field', 'the decision on an approval names the content that was looked at',
      'contentHash', null, 'the contentHash of the question');
  end if;
  if p_input ->> 'contentHash' <> coalesce(p_question.content_hash, '') then
    perform refuse(409, 'content_changed',
      format('question %s asks about the content %s, and this decision is about another', p_question.question_id,
        coalesce(p_question.content_hash, 'of no object')),
      'contentHash', p_input -> 'contentHash',
      coalesce(p_question.content_hash, 'no contentHash') || '; look at the content again with get-question');
  end if;
end
$$;

-- Refuses (422) an answer that does not fit its question.
create or replace function require_answer(p_question questions, p_input jsonb) returns void
language plpgsql stable as $$
begin
  if not p_input ?| '{answer,option,decision}' then
    perform refuse(422, 'invalid_field', 'the answer is empty', 'answer', null,
      'answer, option or decision, or several of them');
  end if;
  if p_input ? 'option' and (p_input ->> 'option' = any (p_question.options)) is not true then
    perform refuse(422, 'invalid_field',
      format('question %s has no option %s', p_question.question_id, p_input ->> 'option'),
      'option', p_input -> 'option', coalesce(
        'one of: ' || nullif(array_to_string(p_question.options, ', '), '') || '; or an answer in words',
        'an answer in words'));
  end if;
  if p_question.kind = 'approval' and not p_input ? 'decision' then
    perform refuse(422, 'invalid_field', 'an approval is answered with a decision', 'decision', null,
      'approved, rejected or changes');
  end if;
  if p_question.kind = 'question' and p_input ? 'decision' then
    perform refuse(422, 'invalid_field', 'a question has no decision', 'decision', p_input -> 'decision',
      'answer or option');
  end if;
  perform require_content(p_question, p_input);
end
$$;

-- Marks a job, which is locked, as one with text from outside when a route gives it an answer: a route may
-- pass such text on. Refuses (422, untrusted_input) the answer when the agent reads trusted payloads only.
create or replace function take_answer_of_route(p_job_id uuid) returns void
language plpgsql as $$
declare
  v_agent agents;
begin
  if current_actor() not like 'operator:route:%' then
    return;
  end if;
  select a.* into v_agent
  from jobs j
  join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
  where j.job_id = p_job_id;
  if v_agent.reads = 'trusted' then
    perform refuse(422, 'untrusted_input',
      format('agent %s reads trusted payloads only, and the answer of a route counts as text from outside',
        v_agent.agent_id),
      'token', null, 'the answer of a person, with the token of an operator');
  end if;
  update jobs set trust = 'untrusted' where job_id = p_job_id and trust <> 'untrusted';
end
$$;

-- Closes a locked open question, with the columns of p_question, and ends the block of its job. The prompt
-- takes the answer from the question, so the job itself keeps none. Returns the question.
create or replace function close_question(p_question questions) returns questions
language plpgsql as $$
declare
  v_job jobs;
begin
  if p_question.status = 'answered' then
    perform take_answer_of_route(p_question.job_id);
  end if;
  update questions
  set status = p_question.status,
    answer = p_question.answer,
    option = p_question.option,
    decision = p_question.decision,
    answered_by = p_question.answered_by,
    closed_why = p_question.closed_why,
    closed_at = now(),
    look_at = null,
    updated_at = now()
  where question_id = p_question.question_id
  returning * into p_question;
  select * into v_job from jobs where job_id = p_question.job_id;
  if v_job.state = 'blocked' and v_job.question_id = p_question.question_id then
    perform leave_block(v_job, null);
  end if;
  return p_question;
end
$$;
drop function if exists close_question(questions, text);

create or replace function answer_question(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_question questions :=
    locked_question(namespace_of(p_principal, p_input), (p_input ->> 'questionId')::uuid);
begin
  perform act_as(p_principal, coalesce(p_input ->> 'reason', p_input ->> 'answer', p_input ->> 'option'));
  perform require_answerer(p_principal, v_question);
  if v_question.status = 'answered'
    and v_question.answered_by = current_actor()
    and (v_question.answer, v_question.option, v_question.decision) is not distinct from
      (p_input ->> 'answer', p_input ->> 'option', p_input ->> 'decision') then
    return question_row(v_question, null) || '{"changed": false}';
  end if;
  perform require_open(v_question);
  perform require_answer(v_question, p_input);
  v_question.status := 'answered';
  v_question.answer := p_input ->> 'answer';
  v_question.option := p_input ->> 'option';
  v_question.decision := p_input ->> 'decision';
  v_question.closed_why := p_input ->> 'reason';
  v_question.answered_by := current_actor();
  v_question := close_question(v_question);
  perform tell_question(v_question, 'question.answered', jsonb_strip_nulls(jsonb_build_object(
    'answer', cut(answer_text(v_question), list_text()),
    'decision', v_question.decision,
    'contentHash', v_question.content_hash,
    'answeredBy', v_question.answered_by)));
  return question_row(v_question, null);
end
$$;
comment on function answer_question(jsonb, jsonb) is
  'The operation answerQuestion: answers an open question and puts its job back to work. The same answer of the same operator again changes nothing; a second answer is refused with the first.';

create or replace function withdraw_question(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_question questions :=
    locked_question(namespace_of(p_principal, p_input), (p_input ->> 'questionId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if v_question.status = 'withdrawn' then
    return question_row(v_question, null) || '{"changed": false}';
  end if;
  perform require_open(v_question);
  v_question.status := 'withdrawn';
  v_question.closed_why := format('%s: %s', current_actor(), p_input ->> 'reason');
  v_question := close_question(v_question);
  perform tell_question(v_question, 'question.withdrawn', jsonb_build_object('why', v_question.closed_why));
  return question_row(v_question, null);
end
$$;
comment on function withdraw_question(jsonb, jsonb) is
  'The operation withdrawQuestion: takes an open question back and puts its job back to work, with the reason in its prompt.';

-- Trigger: withdraws the open question of a job that leaves its block otherwise than by an answer: it was
-- unblocked or cancelled, or the other thing that it was blocked on has come.
create or replace function withdraw_question_of_job() returns trigger
language plpgsql as $$
declare
  v_question questions;
begin
  update questions
  set status = 'withdrawn',
    closed_why = format('%s: its job is %s%s', current_actor(), new.state,
      coalesce(', ' || nullif(current_setting('agentbus.why', true), ''), '')),
    closed_at = now(),
    look_at = null,
    updated_at = now()
  where question_id = new.question_id and status = 'open'
  returning * into v_question;
  if found then
    perform tell_question(v_question, 'question.withdrawn', jsonb_build_object('why', v_question.closed_why));
  end if;
  return null;
end
$$;
create or replace trigger withdraw_question after update of state on jobs
  for each row when (old.state = 'blocked' and new.state <> 'blocked' and new.question_id is not null)
  execute function withdraw_question_of_job();

-- Refuses to end the block of a job whose question waits for a person: (403) for an agent, and (409,
-- question_open) with an answer, because answer_question decides who may answer.
create or replace function require_no_question(p_principal jsonb, p_job jobs, p_answer text) returns void
language plpgsql stable as $$
begin
  if is_agent(p_principal) and waits_for_answer(p_job) then
    perform refuse(403, 'forbidden',
      format('job %s waits for the answer of a person to question %s', p_job.job_id, p_job.question_id),
      'jobId', to_jsonb(p_job.job_id), 'an operator, who answers or withdraws the question; an agent may cancel the job');
  end if;
  if p_answer is not null and waits_for_answer(p_job) then
    perform refuse(409, 'question_open',
      format('job %s waits for the answer of %s to question %s, and an unblock does not answer it', p_job.job_id, (
        select coalesce(operator_named(q.namespace, q.person), asked_of_text(q))
        from questions q
        where q.question_id = p_job.question_id), p_job.question_id),
      'answer', to_jsonb(cut(p_answer, list_text())),
      'answer-question with this question; or an unblock without an answer, which withdraws it');
  end if;
end
$$;
drop function if exists require_no_question(jsonb, jobs);
