-- The sources of candidates and memories: rows of the ledger and pages, checked as evidence of proposals is.

-- Returns the sources of a candidate as they are stored: checked entries, each thing named once. Refuses
-- (422) what checked_entry refuses, and none at all.
create or replace function checked_source_refs(p_principal jsonb, p_namespace text, p_refs jsonb)
returns jsonb
language plpgsql stable as $$
declare
  v_refs jsonb := checked_evidence(p_principal, p_namespace, p_refs, 'sourceRefs');
begin
  if v_refs = '[]' then
    perform refuse(422, 'invalid_field', 'a candidate without a source is an opinion', 'sourceRefs', '[]',
      'a job, event, slot, question, opportunity or memory of this bus by its id, or a url with lookedAt');
  end if;
  return v_refs;
end
$$;

-- Returns the job that a source is about: the job itself, that of an event or slot, and the one that asked a
-- question; null for the other kinds, and for an event or question without a job.
create or replace function job_of_ref(p_ref jsonb) returns uuid
language sql stable as $$
  select case p_ref ->> 'kind'
    when 'job' then (p_ref ->> 'id')::uuid
    when 'event' then (select source_job_id from event_of((p_ref ->> 'id')::uuid))
    when 'slot' then (select job_id from slot_of((p_ref ->> 'id')::uuid))
    when 'question' then (select job_id from question_by_id((p_ref ->> 'id')::uuid)) end
$$;

-- Returns the question that a source is, or of which it is an event; null for the others.
create or replace function question_of_ref(p_ref jsonb) returns uuid
language sql stable as $$
  select case p_ref ->> 'kind'
    when 'question' then (p_ref ->> 'id')::uuid
    when 'event' then (
      select (payload ->> 'questionId')::uuid
      from event_of((p_ref ->> 'id')::uuid)
      where topic like 'question.%') end
$$;
