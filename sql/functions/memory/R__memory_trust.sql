-- Whether the text of a candidate may come from outside. The bus says it, from the rows that it rests on; the
-- writer has no say. See docs/security.md.

-- Returns the jobs and attempts for which a caller speaks: the attempt of the token or, for an agent with its
-- own token, all that it has at work. No row for people.
create or replace function attempts_behind(p_principal jsonb) returns table (job_id uuid, attempt_id uuid)
language sql stable as $$
  select (p_principal ->> 'jobId')::uuid, (p_principal ->> 'attemptId')::uuid
  where p_principal ->> 'kind' = 'attempt'
  union all
  select job_id, live_attempt
  from jobs
  where p_principal ->> 'kind' = 'agent'
    and namespace = p_principal ->> 'namespace'
    and target_agent = p_principal ->> 'name'
    and live_attempt is not null
$$;

-- Returns whether the payload of a job, live or retired, is trusted. False for a job that is kept no more.
create or replace function job_is_trusted(p_job_id uuid) returns boolean
language sql stable as $$
  select exists (select from jobs where job_id = p_job_id and trust = 'trusted')
    or exists (select from jobs_history where job_id = p_job_id and trust = 'trusted')
$$;

-- Returns why a source is untrusted, in words; null when it is trusted. A page, an untrusted job or memory,
-- an event, slot or question of such a job, a question that a route answered, an event of such a question,
-- and an opportunity with text from outside or with an untrusted source in its evidence are untrusted.
create or replace function ref_untrusted_because(p_ref jsonb) returns text
language plpgsql stable as $$
declare
  v_kind text := p_ref ->> 'kind';
  v_job uuid := job_of_ref(p_ref);
  v_question uuid := question_of_ref(p_ref);
  v_said_by text;
begin
  if v_kind = 'url' then
    return format('the page %s is from outside', p_ref ->> 'url');
  end if;
  if v_job is not null and not job_is_trusted(v_job) then
    return case v_kind when 'job' then format('job %s is untrusted', v_job)
      else format('%s %s belongs to job %s, which is untrusted', v_kind, p_ref ->> 'id', v_job) end;
  end if;
  if v_question is not null then
    select answered_by into v_said_by from question_by_id(v_question);
    return case
      when not found then format('question %s is kept no more', v_question)
      when v_said_by like 'operator:route:%' then
        format('the answer to question %s came by %s', v_question, v_said_by) end;
  end if;
  if v_kind = 'memory'
    and exists (select from memories where memory_id = (p_ref ->> 'id')::uuid and trust = 'untrusted')
    or v_kind = 'opportunity'
    and exists (
      select
      from opportunities o
      where opportunity_id = (p_ref ->> 'id')::uuid and trust_of_opportunity(o) = 'untrusted') then
    return format('%s %s is untrusted', v_kind, p_ref ->> 'id');
  end if;
  if v_kind = 'opportunity' then
    -- An opportunity in its evidence is not looked at: two may name each other.
    return (
      select format('opportunity %s rests on this: %s', p_ref ->> 'id', min(ref_untrusted_because(entry)))
      from opportunities o
      cross join proposals_behind(o) p
      cross join jsonb_array_elements(p.evidence) entry
      where o.opportunity_id = (p_ref ->> 'id')::uuid and entry ->> 'kind' <> 'opportunity'
      having min(ref_untrusted_because(entry)) is not null);
  end if;
  return null;
end
$$;

-- Returns the untrusted memories in the prompts behind a call (attempts_behind).
create or replace function untrusted_recalled(p_principal jsonb) returns setof uuid
language sql stable as $$
  select m.memory_id
  from attempts_behind(p_principal) a
  join memory_injections i on i.attempt_id = a.attempt_id
  join memories m on m.memory_id = i.memory_id
  where m.trust = 'untrusted'
$$;

-- Returns why a candidate of this caller with these sources is untrusted, in words: the first reason, the
-- caller before the sources. A route may pass on text from outside. Null when it is trusted.
create or replace function untrusted_because(p_principal jsonb, p_refs jsonb) returns text
language sql stable as $$
  select because
  from (
    select 0 as place, format('it was proposed in job %s, which is untrusted', job_id) as because
    from attempts_behind(p_principal)
    where not job_is_trusted(job_id)
    union all
    select 0, format('memory %s in its prompt is untrusted', memory_id)
    from untrusted_recalled(p_principal) memory_id
    union all
    select 0, format('it was proposed by %s, which may pass on text from outside', p_principal ->> 'name')
    where p_principal ->> 'kind' = 'operator' and p_principal ->> 'name' like 'route:%'
    union all
    select place, ref_untrusted_because(ref)
    from jsonb_array_elements(p_refs) with ordinality r (ref, place)) reasons
  where because is not null
  order by place, because
  limit 1
$$;
