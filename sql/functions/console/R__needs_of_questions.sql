-- The source of needs-me about questions, reviews and approvals.

-- Returns what happens to an open question that nobody answers.
create or replace function silence_outcome(p_question questions) returns text language sql stable as $$
  select case (p_question).on_silence
    when 'default' then format('At %s the answer is: %s.', utc_text((p_question).deadline),
      in_sentence((p_question).default_option))
    when 'cancel' then format('At %s the job is cancelled.', utc_text((p_question).deadline))
    when 'stay' then case
      when (p_question).job_id is null then 'The question stays open.'
      else 'The question stays open, and its job stays blocked.' end end
$$;

-- Returns the actions that answer a question: one for each option, the decisions of a review or an approval,
-- an answer in words, and the withdrawal.
create or replace function question_actions(p_question questions) returns jsonb[] language sql stable as $$
  select array(
      select needs_action(o, 'answerQuestion', q || jsonb_build_object('option', o))
      from unnest((p_question).options) with ordinality as options (o, place)
      order by place)
    || case
      when (p_question).kind = 'question' then '{}'::jsonb[]
      else array[
        needs_action('Approve', 'answerQuestion', q || '{"decision": "approved"}'),
        needs_action('Ask for changes', 'answerQuestion', q || '{"decision": "changes"}', '{answer}'),
        needs_action('Reject', 'answerQuestion', q || '{"decision": "rejected"}', '{answer}', true)] end
    || case
      when (p_question).kind = 'approval' then '{}'::jsonb[]
      else array[needs_action('Answer', 'answerQuestion', q, '{answer}')] end
    || array[needs_action(
      'Withdraw', 'withdrawQuestion', jsonb_build_object('questionId', (p_question).question_id), '{reason}', true)]
  from (
    -- Only an approval is bound to its content.
    select jsonb_strip_nulls(jsonb_build_object(
      'questionId', (p_question).question_id,
      'contentHash', case when (p_question).kind = 'approval' then (p_question).content_hash end)) as q) i
$$;

-- Returns the open questions, reviews and approvals, each with its content if that is small.
create or replace function needs_answers(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    q.kind || '/' || q.question_id,
    q.kind,
    q.created_at,
    needs_item(
      format('%s asks%s%s: %s.',
        coalesce(q.agent_id, split_part(q.asked_by, ':', 2)),
        ' ' || coalesce(q.person, q.role),
        case q.kind when 'review' then ' for a review' when 'approval' then ' for approval' else '' end,
        in_sentence(q.question)),
      silence_outcome(q),
      shown_if_small('content', q.content, q.content_bytes, small_json()) || jsonb_build_object(
        'agentId', q.agent_id,
        'jobId', q.job_id,
        'questionId', q.question_id,
        'person', q.person,
        'options', case when q.options <> '{}' then to_jsonb(q.options) end,
        'why', cut(q.why, list_text()),
        'deadline', q.deadline),
      variadic question_actions(q))
  from (
    select *
    from questions
    where namespace = p_namespace
      and status = 'open'
    order by seq
    limit needs_shown() + 1) q
$$;
