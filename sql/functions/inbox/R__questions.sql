-- Questions, reviews and approvals for people: how they are asked and shown, and who may answer.
--
-- An agent that asks ends its attempt: its job is blocked, holds no lease and has one open question. The
-- answer ends the block, and the prompt of the next attempt shows it. Whatever else ends the block withdraws
-- the question (trigger withdraw_question_of_job). The coordinator is not asked about such a block.
--
-- Who may answer: any operator; but only the person who is asked, when an operator token has that name.
-- Agents and attempts never answer.
--
-- Locks: the job comes before its question.

-- Returns the hash of a content: SHA-256, in hex, of its canonical text. That is the text that Postgres
-- writes for jsonb: no line breaks, one order of the keys, each key once.
create or replace function content_hash(p_content jsonb) returns text
language sql stable as $$
  select encode(sha256(convert_to(p_content::text, 'UTF8')), 'hex')
$$;

-- Returns whether a question waits for its answer; false for null.
create or replace function question_open(p_question_id uuid) returns boolean
language sql stable as $$
  select exists (select from questions where question_id = p_question_id and status = 'open')
$$;

-- Returns whether a job is blocked on an open question.
create or replace function waits_for_answer(p_job jobs) returns boolean
language sql stable as $$
  select (p_job).state = 'blocked'
    and case when (p_job).question_id is not null then question_open((p_job).question_id) else false end
$$;

-- Returns who is asked, in words.
create or replace function asked_of_text(p_question questions) returns text
language sql stable as $$
  select coalesce((p_question).person, (p_question).role, 'an operator')
$$;

-- Returns the name of the operator token that belongs to p_person in the namespace; null when there is none.
-- Upper and lower case are the same, because an agent knows the name only from texts.
create or replace function operator_named(p_namespace text, p_person text) returns text
language sql stable as $$
  select min(name)
  from access_tokens
  where kind = 'operator'
    and revoked_at is null
    and (namespace is null or namespace = p_namespace)
    and lower(name) = lower(btrim(p_person))
$$;

-- Refuses (403) a caller who may not answer the question.
create or replace function require_answerer(p_principal jsonb, p_question questions) returns void
language plpgsql stable as $$
declare
  v_only text := operator_named(p_question.namespace, p_question.person);
begin
  if p_principal ->> 'kind' = 'operator' and (v_only is null or v_only = p_principal ->> 'name') then
    return;
  end if;
  perform refuse(403, 'forbidden',
    format('%s %s may not answer question %s, which asks %s', p_principal ->> 'kind', p_principal ->> 'name',
      p_question.question_id, asked_of_text(p_question)),
    'token', null, coalesce('the token of operator ' || v_only, 'the token of an operator'));
end
$$;

-- Returns whether an approval counts: it was approved, and its job has not asked for the approval of another
-- content since. Null for a question that is no approval, or has no decision.
create or replace function approval_counts(p_question questions) returns boolean
language sql stable as $$
  select case when (p_question).kind = 'approval' and (p_question).decision is not null then
    (p_question).decision = 'approved' and not exists (
      select from questions_of((p_question).job_id) later
      where later.kind = 'approval'
        and later.seq > (p_question).seq
        and later.content_hash <> (p_question).content_hash) end
$$;

-- Returns the questions of a job, live or retired.
create or replace function questions_of(p_job_id uuid) returns setof questions
language sql stable as $$
  select * from questions where job_id = p_job_id
  union all
  select (jsonb_populate_record(null::questions, to_jsonb(h))).*
  from questions_history h
  where h.job_id = p_job_id
$$;

-- Returns a question as the row of a list. Long texts are cut after p_text characters (null: whole).
create or replace function question_row(p_question questions, p_text int) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'questionId', (p_question).question_id,
    'seq', (p_question).seq,
    'namespace', (p_question).namespace,
    'kind', (p_question).kind,
    'status', (p_question).status,
    'jobId', (p_question).job_id,
    'agentId', (p_question).agent_id,
    'subject', coalesce(
      (select subject from jobs where job_id = (p_question).job_id),
      (select subject from jobs_history where job_id = (p_question).job_id)),
    'attemptNo', (p_question).attempt_no,
    'askedBy', (p_question).asked_by,
    'askedOf', nullif(jsonb_strip_nulls(
      jsonb_build_object('person', (p_question).person, 'role', (p_question).role)), '{}'),
    'question', cut((p_question).question, p_text),
    'options', nullif(to_jsonb((p_question).options), '[]'),
    'why', cut((p_question).why, p_text),
    'deadline', (p_question).deadline,
    'onSilence', (p_question).on_silence,
    'defaultOption', (p_question).default_option,
    'contentHash', (p_question).content_hash,
    'contentBytes', (p_question).content_bytes))
    || jsonb_strip_nulls(jsonb_build_object(
    'askedAt', (p_question).created_at,
    'answer', cut((p_question).answer, p_text),
    'option', (p_question).option,
    'decision', (p_question).decision,
    'counts', approval_counts(p_question),
    'answeredBy', (p_question).answered_by,
    'answeredAt', case when (p_question).status = 'answered' then (p_question).closed_at end,
    'reason', cut((p_question).closed_why, p_text),
    'closedAt', (p_question).closed_at,
    'reminders', (p_question).reminders))
$$;

-- Returns a question, live or retired. Refuses an unknown one (404).
create or replace function question_of(p_namespace text, p_question_id uuid) returns questions
language plpgsql stable as $$
declare
  v_question questions;
begin
  select * into v_question
  from questions
  where question_id = p_question_id and namespace = p_namespace;
  if not found then
    select (jsonb_populate_record(null::questions, to_jsonb(h))).* into v_question
    from questions_history h
    where question_id = p_question_id and namespace = p_namespace;
  end if;
  if v_question.question_id is null then
    perform refuse(404, 'unknown_question',
      format('there is no question %s in namespace %s', p_question_id, p_namespace),
      'questionId', to_jsonb(p_question_id), 'the id of a question; list-questions shows them');
  end if;
  return v_question;
end
$$;

-- Returns the next time after p_after at which the sweep looks at an open question: the next reminder or the
-- deadline; null for none.
create or replace function next_look(p_question questions, p_after timestamptz) returns timestamptz
language sql stable as $$
  select min(at)
  from (
    select (p_question).created_at + wait as at from unnest(question_reminders()) wait
    union all
    select (p_question).deadline) looks
  where at > p_after
$$;

-- Emits an event about a question. p_more adds fields to its payload.
create or replace function tell_question(p_question questions, p_topic text, p_more jsonb default '{}')
returns void
language plpgsql as $$
begin
  perform append_event(p_question.namespace, p_topic, p_question.agent_id, p_question.job_id,
    jsonb_strip_nulls(jsonb_build_object(
      'questionId', p_question.question_id,
      'kind', p_question.kind,
      'jobId', p_question.job_id,
      'agentId', p_question.agent_id,
      'reason', cut(p_question.question, list_text()),
      'askedOf', asked_of_text(p_question),
      'deadline', p_question.deadline,
      'onSilence', p_question.on_silence)) || p_more);
end
$$;

-- Refuses (422) a question whose fields contradict each other: a deadline in the past, an end by silence
-- without a deadline, a default that is no option or would approve, or an agent in place of a person.
create or replace function require_question(p_namespace text, p_kind text, p_input jsonb) returns void
language plpgsql stable as $$
declare
  v_default text := p_input ->> 'defaultOption';
  v_silence text := coalesce(p_input ->> 'onSilence', 'stay');
  v_asked text := coalesce(p_input #>> '{askedOf,person}', p_input #>> '{askedOf,role}');
begin
  if (p_input ->> 'deadline')::timestamptz <= now() then
    perform refuse(422, 'invalid_field', format('the deadline %s is past', p_input ->> 'deadline'),
      'deadline', p_input -> 'deadline', 'a time in the future, or no deadline');
  end if;
  if v_silence <> 'stay' and not p_input ? 'deadline' then
    perform refuse(422, 'invalid_field', format('onSilence %s takes effect at the deadline, and there is none', v_silence),
      'deadline', null, 'a deadline, or onSilence "stay"');
  end if;
  if (v_silence = 'default') <> (v_default is not null) then
    perform refuse(422, 'invalid_field', 'defaultOption and onSilence "default" belong together',
      'defaultOption', to_jsonb(v_default), 'both of them, or neither');
  end if;
  if v_default is not null and p_kind <> 'question' and v_default not in ('rejected', 'changes') then
    perform refuse(422, 'invalid_field', format('silence cannot decide %s', v_default),
      'defaultOption', to_jsonb(v_default), 'rejected or changes: only a person approves');
  end if;
  if v_default is not null and p_input ? 'options' and not p_input -> 'options' ? v_default then
    perform refuse(422, 'invalid_field', format('%s is not among the options', v_default),
      'defaultOption', to_jsonb(v_default),
      'one of: ' || (select string_agg(value, ', ') from jsonb_array_elements_text(p_input -> 'options')));
  end if;
  if exists (select from agents where namespace = p_namespace and agent_id = v_asked) then
    perform refuse(422, 'invalid_field', format('%s is an agent, and only people answer questions', v_asked),
      'askedOf', p_input -> 'askedOf', 'a person or a role of people; an agent is asked with a job, or with a block that names it');
  end if;
end
$$;

-- Adds a question of the caller about a job, or about none (p_job all null). Returns the question.
create or replace function add_question(
  p_principal jsonb, p_namespace text, p_job jobs, p_kind text, p_input jsonb
) returns questions
language plpgsql as $$
declare
  v_content jsonb := coalesce(p_input -> 'content', p_input -> 'what');
  v_new questions;
begin
  perform require_question(p_namespace, p_kind, p_input);
  v_new.created_at := now();
  v_new.deadline := (p_input ->> 'deadline')::timestamptz;
  insert into questions (namespace, job_id, agent_id, attempt_no, kind, asked_by, person, role, question,
    options, why, content, content_bytes, content_hash, deadline, on_silence, default_option, look_at)
  values (
    p_namespace, p_job.job_id, p_job.target_agent,
    case when p_principal ->> 'kind' = 'attempt' then p_job.attempt_no end,
    p_kind, current_actor(), p_input #>> '{askedOf,person}', p_input #>> '{askedOf,role}',
    p_input ->> 'question',
    array(select jsonb_array_elements_text(p_input -> 'options')),
    p_input ->> 'why', v_content, measured('content', v_content), content_hash(v_content),
    v_new.deadline, coalesce(p_input ->> 'onSilence', 'stay'), p_input ->> 'defaultOption',
    next_look(v_new, now()))
  returning * into v_new;
  perform tell_question(v_new, 'question.asked');
  return v_new;
end
$$;

-- Returns the open question that the caller has asked already: about the same job or none, of the same kind
-- and people, with the same text, options and content. Null when there is none.
create or replace function asked_already(p_namespace text, p_job_id uuid, p_kind text, p_input jsonb)
returns uuid
language sql stable as $$
  select question_id
  from questions
  where namespace = p_namespace
    and status = 'open'
    and asked_by = current_actor()
    and job_id is not distinct from p_job_id
    and kind = p_kind
    and person is not distinct from p_input #>> '{askedOf,person}'
    and role is not distinct from p_input #>> '{askedOf,role}'
    and question = p_input ->> 'question'
    and options = array(select jsonb_array_elements_text(p_input -> 'options'))
    and content_hash is not distinct from content_hash(coalesce(p_input -> 'content', p_input -> 'what'))
  order by seq desc
  limit 1
$$;

-- An earlier version of this script made it with another result.
drop function if exists ask_as_operator(jsonb, text, text, jsonb);

-- Asks for an operator: about a blocked job without an open question, or about none. Returns the question,
-- and whether it is new; a repeated call gets the open question.
create or replace function ask_as_operator(
  p_principal jsonb, p_namespace text, p_kind text, p_input jsonb, out o_question questions, out o_new boolean
)
language plpgsql as $$
declare
  v_job jobs;
  v_asked uuid;
begin
  if p_input ? 'jobId' then
    v_job := locked_job(p_namespace, (p_input ->> 'jobId')::uuid);
  else
    -- No job is locked, and two calls at once must not ask twice.
    perform pg_advisory_xact_lock(hashtextextended(
      format('agentbus.ask %s %s %s', p_namespace, current_actor(), p_input ->> 'question'), 0));
  end if;
  v_asked := asked_already(p_namespace, v_job.job_id, p_kind, p_input);
  o_new := v_asked is null;
  if not o_new then
    select * into o_question from questions where question_id = v_asked;
    return;
  end if;
  if v_job.job_id is not null then
    if v_job.state <> 'blocked' then
      perform refuse_state(v_job, 'made to wait for an answer',
        'a blocked job, or no jobId; the agent of a job at work asks itself');
    end if;
    if waits_for_answer(v_job) then
      perform refuse(409, 'question_open', format('job %s waits for the answer to question %s already',
          v_job.job_id, v_job.question_id),
        'jobId', p_input -> 'jobId', 'an answer to that question, or withdraw-question first');
    end if;
  end if;
  o_question := add_question(p_principal, p_namespace, v_job, p_kind, p_input);
  if v_job.job_id is not null then
    update jobs
    set question_id = o_question.question_id, updated_at = now()
    where job_id = v_job.job_id;
    -- The coordinator need not look for another way while a person is asked.
    perform drop_replans(array[v_job.job_id], '{}');
  end if;
end
$$;

-- Asks a question of p_kind for an attempt, whose job is then blocked, or for an operator. Returns question
-- and, of an attempt, job; a repeated call gets the same answer, that of an operator with changed: false.
create or replace function ask_people(p_operation text, p_kind text, p_principal jsonb, p_input jsonb)
returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v record;
  v_job jobs;
  v_answer jsonb;
  v_question questions;
begin
  perform act_as(p_principal, p_input ->> 'question');
  if p_principal ->> 'kind' <> 'attempt' then
    select * into v from ask_as_operator(p_principal, v_namespace, p_kind, p_input);
    return jsonb_build_object('question', question_row(v.o_question, null))
      || case when v.o_new then '{}' else jsonb_build_object('changed', false) end;
  end if;
  select * into v
  from fenced_job(p_principal, jsonb_build_object('jobId', p_principal -> 'jobId') || p_input);
  v_answer := earlier_answer(p_operation, v.o_job, v.o_attempt, p_input);
  if v_answer is not null then
    return v_answer;
  end if;
  v_question := add_question(p_principal, v_namespace, v.o_job, p_kind, p_input);
  update jobs set question_id = v_question.question_id where job_id = (v.o_job).job_id;
  v_job := block_attempt(v.o_job, format('waits for an answer of %s: %s', asked_of_text(v_question), v_question.question),
    jsonb_build_object('person', asked_of_text(v_question)));
  return keep_answer(p_operation, (v.o_attempt).attempt_id, p_input,
    jsonb_build_object('job', job_brief(v_job), 'question', question_row(v_question, null)));
end
$$;

create or replace function ask(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select ask_people('ask', 'question', p_principal, p_input)
$$;
comment on function ask(jsonb, jsonb) is
  'The operation ask: asks people a question. An attempt ends with it, and its job waits blocked for the answer.';

create or replace function request_review(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select ask_people('requestReview', 'review', p_principal, p_input)
$$;
comment on function request_review(jsonb, jsonb) is
  'The operation requestReview: asks people to review an object, as ask does.';

create or replace function request_approval(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select ask_people('requestApproval', 'approval', p_principal, p_input)
$$;
comment on function request_approval(jsonb, jsonb) is
  'The operation requestApproval: asks people to approve an object, as ask does. The approval holds for the hash of that object only.';
