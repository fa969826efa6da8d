-- The gates between a candidate and a memory, in the order in which promote_memory_candidate asks them. Each
-- refusal names its gate: who (403), author, trust, reason, confidence, evidence, review date, conflict, and
-- limit (422, memory_gate).

-- Refuses (422, memory_gate) a promotion at the gate with this name.
create or replace function refuse_at_gate(
  p_gate text, p_detail text, p_field text, p_value jsonb, p_expected text
) returns void language plpgsql stable as $$
begin
  perform refuse(422, 'memory_gate', format('gate %s: %s', p_gate, p_detail), p_field, p_value, p_expected);
end
$$;

-- Returns whether a caller is a person, and no agent, route or part of the bus.
create or replace function is_person(p_principal jsonb) returns boolean
language sql immutable as $$
  select p_principal ->> 'kind' = 'operator' and p_principal ->> 'name' not like 'route:%'
$$;

-- Returns how many may read a memory with this visibility, as a rank: the higher, the fewer.
create or replace function visibility_rank(p_visibility text) returns int
language sql immutable as $$
  select array_position('{shared,role,private}', p_visibility)
$$;

-- Gate who: refuses (403) an agent that would make of p_what (such as memory X), which is of p_kind about
-- p_scope and p_subject, a memory of another kind or about something else. One subject in place of global is
-- narrower and goes through.
create or replace function gate_about(
  p_principal jsonb, p_what text, p_kind text, p_scope text, p_subject text, p_draft memories
) returns void language plpgsql stable as $$
declare
  v_moved boolean := p_scope <> 'global'
    and (p_scope, p_subject) is distinct from (p_draft.scope, p_draft.subject_key);
begin
  if is_agent(p_principal) and (v_moved or p_draft.kind <> p_kind) then
    perform refuse(403, 'forbidden', format(
        'gate who: %s is of kind %s about %s, and an agent does not make it one of kind %s about %s', p_what,
        p_kind, p_scope || coalesce(' ' || p_subject, ''),
        p_draft.kind, p_draft.scope || coalesce(' ' || p_draft.subject_key, '')),
      case when v_moved then 'scope' else 'kind' end,
      to_jsonb(case when v_moved then p_draft.scope else p_draft.kind end),
      'an operator; or the same kind, scope and subject; or one subject in place of global');
  end if;
end
$$;

-- Gate who: refuses (403) a caller that may not curate the candidate or the memory that it would become,
-- and an agent that would show it to more readers, give it to another owner, or make it about something else
-- than the candidate says.
create or replace function gate_who(p_principal jsonb, p_candidate memory_candidates, p_draft memories)
returns void
language plpgsql stable as $$
declare
  v_id jsonb := to_jsonb(p_candidate.candidate_id);
begin
  perform require_right_to_curate(p_principal, p_candidate.namespace, p_candidate.visibility,
    p_candidate.owner_agent, 'promote a candidate to', 'candidateId', v_id, 'gate who: ');
  perform require_right_to_curate(p_principal, p_candidate.namespace, p_draft.visibility, p_draft.owner_agent,
    'promote a candidate to', 'visibility', to_jsonb(p_draft.visibility), 'gate who: ');
  if is_agent(p_principal) and (
    visibility_rank(p_draft.visibility) < visibility_rank(p_candidate.visibility)
    or p_draft.owner_agent <> p_candidate.owner_agent) then
    perform refuse(403, 'forbidden', format('gate who: candidate %s is %s, and an agent does not make it %s',
        p_candidate.candidate_id, p_candidate.visibility || coalesce(' of ' || p_candidate.owner_agent, ''),
        p_draft.visibility || coalesce(' of ' || p_draft.owner_agent, '')),
      'visibility', to_jsonb(p_draft.visibility), 'an operator; or the same owner, and no more readers');
  end if;
  perform gate_about(p_principal, 'candidate ' || p_candidate.candidate_id, p_candidate.kind, p_candidate.scope,
    p_candidate.subject_key, p_draft);
end
$$;

-- Gate author: no agent promotes what it has proposed.
create or replace function gate_author(p_principal jsonb, p_candidate memory_candidates) returns void
language plpgsql stable as $$
begin
  if is_agent(p_principal) and p_principal ->> 'name' = p_candidate.source_agent then
    perform refuse_at_gate('author', format('candidate %s is of agent %s, and nobody promotes a candidate of their own',
        p_candidate.candidate_id, p_candidate.source_agent),
      'candidateId', to_jsonb(p_candidate.candidate_id), 'an operator, or another agent with mayPromoteMemories');
  end if;
end
$$;

-- Returns whether the gates who, author and trust let an agent promote a candidate with these columns as it
-- is. p_may_promote is the right of the agent, as in agent_may_curate.
create or replace function agent_may_promote(
  p_agent text, p_may_promote text, p_source text, p_visibility text, p_owner text, p_trust text
) returns boolean
language sql immutable as $$
  select agent_may_curate(p_agent, p_may_promote, p_visibility, p_owner)
    and p_agent <> p_source
    and p_trust = 'trusted'
$$;

-- Gate trust: only a person promotes what rests on text from outside.
create or replace function gate_trust(p_principal jsonb, p_candidate memory_candidates) returns void
language plpgsql stable as $$
begin
  if p_candidate.trust = 'untrusted' and not is_person(p_principal) then
    perform refuse_at_gate('trust', format('candidate %s is untrusted: %s', p_candidate.candidate_id,
        coalesce(p_candidate.trust_reason, 'it rests on text from outside')),
      'candidateId', to_jsonb(p_candidate.candidate_id), 'a person, who has looked at its sources');
  end if;
end
$$;

-- Returns which share of the words of a text, in groups of three, stands in another text, from 0 to 1.
create or replace function words_kept(p_text text, p_other text) returns real
language sql immutable as $$
  select (select count(*) from unnest(own) words where words = any (known))::real
    / greatest(cardinality(own), 1)
  from shingles(p_text) own
  cross join shingles(p_other) known
$$;

-- Gates trust and author for the words of an agent that promotes: refuses other words than p_old, those of
-- the author, from an agent that has text from outside at work, and words that keep less than kept_words of
-- them, because nobody has promoted these.
create or replace function gate_words(p_principal jsonb, p_old text, p_new text) returns void
language plpgsql stable as $$
begin
  if not is_agent(p_principal) or p_new = p_old then
    return;
  end if;
  if exists (select from attempts_behind(p_principal) where not job_is_trusted(job_id))
    or exists (select from untrusted_recalled(p_principal)) then
    perform refuse_at_gate('trust', format('agent %s is at work on text from outside, and the words are not those of the author',
        p_principal ->> 'name'),
      'body', null, 'the words of the author; or a person');
  end if;
  if words_kept(p_new, p_old) < kept_words() then
    perform refuse_at_gate('author', 'this text says something else, and nobody promotes words of their own',
      'body', null, 'a shorter text in the words of the author; or create-memory-candidate, which another one promotes');
  end if;
end
$$;

-- Gate reason: the notes say why.
create or replace function gate_reason(p_notes text) returns void
language plpgsql stable as $$
begin
  if length(p_notes) < promotion_reason_length() then
    perform refuse_at_gate('reason', 'the notes do not say why', 'notes', to_jsonb(p_notes),
      format('the reason in at least %s characters', promotion_reason_length()));
  end if;
end
$$;

-- Gate confidence: refuses a confidence below promoted_confidence, and one that an agent has raised above
-- p_before, that of the author.
create or replace function gate_confidence(p_principal jsonb, p_before int, p_confidence int) returns void
language plpgsql stable as $$
begin
  if p_confidence < promoted_confidence() then
    perform refuse_at_gate('confidence', format('the confidence is %s', p_confidence), 'confidenceScore',
      to_jsonb(p_confidence),
      format('at least %s; let it be seen again, or reject the candidate', promoted_confidence()));
  end if;
  if is_agent(p_principal) and p_confidence > p_before then
    perform refuse_at_gate('confidence', format('its author is sure to %s of 5, and an agent does not raise that',
        p_before),
      'confidenceScore', to_jsonb(p_confidence), format('%s or less, or a person', p_before));
  end if;
end
$$;

-- Returns the oldest ancestor of a job, live or retired, at most hop_limit steps up; the job itself when it
-- has no parent.
create or replace function root_of_job(p_job_id uuid) returns uuid
language sql stable as $$
  with recursive up as (
    select p_job_id as job_id, 0 as steps
    union all
    select p.parent_job_id, u.steps + 1
    from up u
    cross join lateral (
      select parent_job_id from jobs where job_id = u.job_id
      union all
      select parent_job_id from jobs_history where job_id = u.job_id) p
    where p.parent_job_id is not null
      and u.steps < hop_limit()
  )
  select job_id from up order by steps desc limit 1
$$;

-- Returns the jobs that the sources of a candidate are about, with the author that named each, the oldest
-- ancestor and the flow key. own says that this author called from that job.
create or replace function jobs_of_sources(p_candidate memory_candidates)
returns table (job_id uuid, author text, own boolean, root uuid, flow_key text)
language sql stable as $$
  with refs as (
    select job_of_ref(ref) as job_id, coalesce(ref ->> 'addedBy', (p_candidate).source_agent) as author,
      coalesce(ref ->> 'addedJob', case when not ref ? 'addedBy' then (p_candidate).source_job_id::text end)
        as called_from
    from jsonb_array_elements((p_candidate).source_refs) ref
  )
  select r.job_id, r.author,
    exists (select from refs c where c.author = r.author and c.called_from = r.job_id::text),
    root_of_job(r.job_id), f.flow_key
  from (select distinct job_id, author from refs) r
  cross join lateral (
    select j.flow_key from jobs j where j.job_id = r.job_id
    union all
    select h.flow_key from jobs_history h where h.job_id = r.job_id) f
$$;

-- Returns whether the sources of a candidate show the same in two jobs that are independent: with no common
-- ancestor, so that neither has led to the other, and not of one flow. The job from which an author called
-- adds nothing to what the same author named: each run has a new job.
create or replace function seen_twice(p_candidate memory_candidates) returns boolean
language sql stable as $$
  with seen as materialized (
    select * from jobs_of_sources(p_candidate)
  )
  select exists (
    select
    from seen one
    join seen other on one.root <> other.root
      and (one.flow_key = other.flow_key) is not true
      and (one.author <> other.author or not one.own and not other.own))
$$;

-- Returns whether a name that stands for an author is that of a person: of no agent of the namespace, and of
-- no route.
create or replace function is_name_of_person(p_namespace text, p_name text) returns boolean
language sql stable as $$
  select p_name not like 'route:%'
    and not exists (select from agents where namespace = p_namespace and agent_id = p_name)
$$;

-- Returns whether a person has said so: the candidate is of a person, a person has added a source to it or
-- named one that was there (saidBy), or has answered a question that it names.
create or replace function person_said_so(p_candidate memory_candidates) returns boolean
language sql stable as $$
  select (p_candidate).source_attempt_id is null
      and is_name_of_person((p_candidate).namespace, (p_candidate).source_agent)
    or exists (
      select
      from jsonb_array_elements((p_candidate).source_refs) ref
      where is_name_of_person((p_candidate).namespace, ref ->> 'addedBy')
        or ref ? 'saidBy'
        or ref ->> 'kind' = 'question' and exists (
          select
          from question_by_id((ref ->> 'id')::uuid)
          where status = 'answered'
            and answered_by like 'operator:%'
            and answered_by not like 'operator:route:%'))
$$;

-- Returns whether the sources of a decision name where it was made: an opportunity that somebody has decided,
-- or the event of a decision or of an answer that did not come by a route. Answered questions count by
-- person_said_so.
create or replace function names_a_decision(p_refs jsonb) returns boolean
language sql stable as $$
  select exists (
    select
    from jsonb_array_elements(p_refs) ref
    where ref ->> 'kind' = 'opportunity' and exists (
        select
        from opportunities
        where opportunity_id = (ref ->> 'id')::uuid and decided_by is not null)
      or ref ->> 'kind' = 'event' and exists (
        select
        from event_of((ref ->> 'id')::uuid)
        where topic in ('opportunity.decided', 'opportunity.converted')
          or topic = 'question.answered' and payload ->> 'answeredBy' not like 'operator:route:%'))
$$;

-- Gate evidence: two independent jobs show it, or a person said so, which a person who promotes does, or it
-- is a decision and names where it was made.
create or replace function gate_evidence(p_principal jsonb, p_candidate memory_candidates) returns void
language plpgsql stable as $$
declare
  v_jobs int;
  v_own int;
begin
  if is_person(p_principal)
    or seen_twice(p_candidate)
    or person_said_so(p_candidate)
    or p_candidate.kind = 'decision' and names_a_decision(p_candidate.source_refs) then
    return;
  end if;
  select count(distinct job_id) filter (where not own), count(*) filter (where own) into v_jobs, v_own
  from jobs_of_sources(p_candidate);
  perform refuse_at_gate('evidence',
    case
      when v_jobs = 0 then 'no job among the sources shows it'
      when v_jobs = 1 then 'one job shows it, and once may be chance'
      else format('%s jobs show it, and all of them are of one flow or have led to each other', v_jobs) end
    || case when v_own > 0 then '; the job of the call is no evidence' else '' end,
    'candidateId', to_jsonb(p_candidate.candidate_id),
    'sources in two jobs that have nothing to do with each other, a question that a person has answered, '
    || case p_candidate.kind when 'decision' then 'the opportunity or event of the decision, ' else '' end
    || 'or create-memory-candidate with the same text by another agent that saw it or by a person, which adds its sources to this one');
end
$$;

-- Gate review date: returns when somebody is to look at a memory of this stability again: p_asked, or by
-- default the start of the day (UTC) of review_after. Refuses a time that is not to come, and a later one.
create or replace function review_date(p_stability text, p_asked timestamptz) returns timestamptz
language plpgsql stable as $$
declare
  v_last timestamptz := now() + review_after(p_stability);
begin
  if p_asked <= now() or p_asked > v_last then
    perform refuse_at_gate('review date', format('%s is %s', utc_text(p_asked),
        case when p_asked <= now() then 'not in the future'
          else format('more than %s days ahead, and the memory is %s',
            extract(day from review_after(p_stability)), p_stability) end),
      'nextReviewAt', to_jsonb(p_asked),
      format('a time after %s and not after %s, or none', utc_text(now()), utc_text(v_last)));
  end if;
  return coalesce(p_asked, date_trunc('day', v_last, 'UTC'));
end
$$;

-- Gate review date: refuses an end that is not to come.
create or replace function gate_expiry(p_expires_at timestamptz) returns void
language plpgsql stable as $$
begin
  if p_expires_at <= now() then
    perform refuse_at_gate('review date', format('it would expire at %s, which is not in the future',
        utc_text(p_expires_at)),
      'expiresAt', to_jsonb(p_expires_at), 'a time after ' || utc_text(now()) || ', or none');
  end if;
end
$$;

-- Gate limit: refuses an agent when agents have made promotions_a_day memories in the namespace on this day
-- (UTC). People have no limit. Call it under lock_memories.
create or replace function gate_limit(p_principal jsonb, p_namespace text) returns void
language plpgsql stable as $$
declare
  v_made int;
begin
  if not is_agent(p_principal) then
    return;
  end if;
  select count(*) into v_made
  from memories
  where namespace = p_namespace
    and created_at >= date_trunc('day', now(), 'UTC')
    and promoted_by ~ '^(agent|attempt):';
  if v_made >= promotions_a_day() then
    perform refuse_at_gate('limit', format('agents have made %s memories today (UTC), and more are a flood',
        v_made),
      'candidateId', null, format('the same call after %s, or a person', utc_text(budgets_free_at())));
  end if;
end
$$;
