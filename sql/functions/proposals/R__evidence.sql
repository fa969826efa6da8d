-- Evidence of proposals and sources of memories: what they name must exist in the namespace.

drop function if exists evidence_exists(text, text, uuid);

-- Returns whether an entry of evidence names a row of the namespace, live or retired. A memory that the
-- caller may not read does not exist for it.
create or replace function evidence_exists(p_principal jsonb, p_namespace text, p_kind text, p_id uuid)
returns boolean
language sql stable as $$
  select case p_kind
    when 'job' then
      exists (select from jobs where job_id = p_id and namespace = p_namespace)
      or exists (select from jobs_history where job_id = p_id and namespace = p_namespace)
    when 'event' then exists (select from event_of(p_id) where namespace = p_namespace)
    when 'slot' then exists (select from slot_of(p_id) where namespace = p_namespace)
    when 'question' then exists (select from question_by_id(p_id) where namespace = p_namespace)
    when 'opportunity' then
      exists (select from opportunities where opportunity_id = p_id and namespace = p_namespace)
    when 'memory' then
      exists (
        select
        from memories
        where memory_id = p_id and namespace = p_namespace
          and memory_visible(p_principal, visibility, owner_agent))
    else false end
$$;

drop function if exists checked_entry(text, jsonb, text);

-- Returns one entry of evidence as it is stored: kind, id or url, lookedAt of a url and note. p_field is the
-- name of the entry in refusals. Refuses (422) an entry without its id or url, an id that names nothing in
-- the namespace, and a url without the time when it was looked at, or with a time to come.
create or replace function checked_entry(
  p_principal jsonb, p_namespace text, p_entry jsonb, p_field text
) returns jsonb language plpgsql stable as $$
declare
  v_kind text := p_entry ->> 'kind';
  v_looked timestamptz := (p_entry ->> 'lookedAt')::timestamptz;
begin
  if v_kind = 'url' then
    if p_entry ->> 'url' is null or p_entry ? 'id' then
      perform refuse(422, 'invalid_field', format('%s is of kind url and must have a url and no id', p_field),
        p_field, p_entry, 'an object with kind url, url and lookedAt');
    end if;
    if v_looked is null then
      perform refuse(422, 'invalid_field', format('%s does not say when %s was looked at', p_field, p_entry ->> 'url'),
        p_field || '.lookedAt', p_entry, 'the time when the page was read, such as ' || utc_text(now()));
    end if;
    if v_looked > now() + clock_slack() then
      perform refuse(422, 'invalid_field', format('%s was looked at %s, which is in the future', p_field, utc_text(v_looked)),
        p_field || '.lookedAt', p_entry -> 'lookedAt', 'a time that is not after ' || utc_text(now()));
    end if;
    return jsonb_strip_nulls(jsonb_build_object('kind', 'url', 'url', p_entry ->> 'url',
      'lookedAt', v_looked, 'note', one_line(p_entry ->> 'note', null)));
  end if;
  if p_entry ->> 'id' is null or p_entry ? 'url' then
    perform refuse(422, 'invalid_field', format('%s is of kind %s and must have an id and no url', p_field, v_kind),
      p_field, p_entry, format('an object with kind %s and id', v_kind));
  end if;
  if not evidence_exists(p_principal, p_namespace, v_kind, (p_entry ->> 'id')::uuid) then
    perform refuse(422, 'unknown_evidence', format('%s names %s %s, and namespace %s has none with this id',
        p_field, v_kind, p_entry ->> 'id', p_namespace),
      p_field || '.id', p_entry -> 'id', format('the id of a %s of namespace %s', v_kind, p_namespace));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('kind', v_kind, 'id', lower(p_entry ->> 'id'),
    'note', one_line(p_entry ->> 'note', null)));
end
$$;

drop function if exists checked_evidence(text, jsonb);

-- Returns the evidence of a proposal as it is stored: an array of checked entries, each thing named once.
-- p_field is its name in refusals.
create or replace function checked_evidence(
  p_principal jsonb, p_namespace text, p_evidence jsonb, p_field text default 'evidence'
) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(entry order by place), '[]')
  from (
    select distinct on (evidence_key(entry)) entry, place
    from (
      select
        checked_entry(p_principal, p_namespace, value, format('%s[%s]', p_field, ordinality - 1)) as entry,
        ordinality as place
      from jsonb_array_elements(coalesce(p_evidence, '[]')) with ordinality) checked
    order by evidence_key(entry), place) once
$$;

-- Returns what an entry of evidence names, so that two entries about the same thing are equal.
create or replace function evidence_key(p_entry jsonb) returns text
language sql immutable as $$
  select p_entry ->> 'kind' || ':' || coalesce(lower(p_entry ->> 'id'), p_entry ->> 'url')
$$;

-- Returns the entries of evidence that do not name the job of the call itself, or for an idea that its own
-- author promotes (p_idea, else null) the job that proposed it: each run has a new job, so it proves nothing.
create or replace function evidence_beside_own(p_principal jsonb, p_evidence jsonb, p_idea uuid)
returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(entry order by place), '[]')
  from jsonb_array_elements(p_evidence) with ordinality e (entry, place)
  where (entry ->> 'id' = p_principal ->> 'jobId') is not true
    and not exists (
      select
      from ideas
      where idea_id = p_idea and source_agent = p_principal ->> 'name' and source_job_id::text = entry ->> 'id')
$$;

-- Returns what is missing for the bar of an opportunity, in words; empty when nothing is. p_evidence is what
-- evidence_beside_own leaves.
create or replace function missing_for_bar(p_input jsonb, p_evidence jsonb) returns text[]
language sql stable as $$
  select array(
    select words
    from (values
      (1, 'whyNow', 'whyNow (what has changed, so that it is worth doing now)'),
      (2, 'impactScore', 'impactScore (1 to 5)'),
      (3, 'confidenceScore', 'confidenceScore (1 to 5)'),
      (4, 'urgencyScore', 'urgencyScore (1 to 5)'),
      (5, 'reversibility', 'reversibility (high, medium or low)'),
      (6, 'ifNothing', 'ifNothing (what happens if nothing is done)'),
      (7, 'ownerCandidate', 'ownerCandidate (the agent that would do it)'),
      (8, 'suggestedNextStep', 'suggestedNextStep (the smallest next step)'),
      (9, 'evidence',
        'evidence (at least one job, event or slot of this bus by its id, or a url with lookedAt, the time when it was read)')
      ) f (place, field, words)
    where case field when 'evidence' then p_evidence = '[]' else not p_input ? field end
    order by place)
$$;

-- Refuses (422, below_bar) an opportunity that lacks a part of the bar, and offers to keep the same content
-- as an idea. p_missing is the answer of missing_for_bar. Refuses an owner that is unknown or
-- disabled, and an urgent one with little confidence.
create or replace function require_bar(p_namespace text, p_input jsonb, p_missing text[]) returns void
language plpgsql stable as $$
declare
  v_owner agents;
begin
  if p_missing <> '{}' then
    perform refuse(422, 'below_bar',
      format('an opportunity is ready for a decision, and this one lacks %s', array_to_string(p_missing, ', '))
        || case when p_missing[cardinality(p_missing)] like 'evidence %' then '; the job of the call is no evidence'
          else '' end,
      split_part(p_missing[1], ' ', 1), null,
      case when p_input ? 'ideaId' then 'these parts; the idea stays as it is'
        else 'these parts; or the same call with belowBar idea, which does create-idea with the same content' end);
  end if;
  v_owner := agent_named(p_namespace, p_input ->> 'ownerCandidate', 'ownerCandidate');
  perform require_enabled(v_owner, 'ownerCandidate');
  perform refuse_unsure_urgent((p_input ->> 'urgencyScore')::int, (p_input ->> 'confidenceScore')::int);
end
$$;
