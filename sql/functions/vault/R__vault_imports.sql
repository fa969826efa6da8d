-- What an edit in a vault becomes: a call of an operation by a person, which the command import-vault shows
-- and makes only when told. The vault itself never changes a row.
--
--   a memory's title or text       -> createMemoryCandidate, which supersedes the memory when it is promoted
--   an opportunity's status        -> triageOpportunity
--   a note of a person in 00 Inbox -> createIdea, or enqueueJob when its front matter says kind: job

-- Returns the text of a memory as the ledger has it (body), for the lines that an edit has not touched.
create or replace function vault_memory_text(p_memory_id uuid) returns jsonb
language sql stable as $$
  select jsonb_build_object('body', body) from memories where memory_id = p_memory_id
$$;

-- Returns the call that a memory's note would make, with the texts of the memory as before. p_edit has
-- title and body, each where the person has changed it, and reason. Refuses (422) a memory that is not
-- active.
create or replace function call_of_memory_edit(p_principal jsonb, p_vault vaults, p_edit jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_memory memories;
begin
  select * into v_memory
  from memories
  where memory_id = (p_edit ->> 'rowId')::uuid and namespace = p_vault.namespace;
  perform require_supersedable(p_principal, p_vault.namespace, (p_edit ->> 'rowId')::uuid);
  return jsonb_build_object(
    'operation', 'createMemoryCandidate',
    'does', format('propose a candidate that supersedes memory %s: "%s"', v_memory.memory_id,
      in_sentence(coalesce(p_edit ->> 'title', v_memory.title))),
    'before', jsonb_build_object('title', v_memory.title, 'body', v_memory.body),
    'input', jsonb_strip_nulls(jsonb_build_object(
      'namespace', p_vault.namespace,
      'candidateKind', v_memory.kind,
      'scope', v_memory.scope,
      'subjectKey', v_memory.subject_key,
      'title', coalesce(p_edit ->> 'title', v_memory.title),
      'body', coalesce(p_edit ->> 'body', v_memory.body),
      'evidence', coalesce(p_edit ->> 'reason', 'A person has edited the note of this memory in the vault.'),
      'sourceRefs', jsonb_build_array(jsonb_build_object('kind', 'memory', 'id', v_memory.memory_id)),
      'confidenceScore', v_memory.confidence,
      'stability', v_memory.stability,
      'visibility', v_memory.visibility,
      'ownerAgent', v_memory.owner_agent,
      'supersedesMemoryId', v_memory.memory_id,
      'dedupeKey', format('vault:%s:%s', v_memory.memory_id, left(p_edit ->> 'hash', 32)))));
end
$$;

-- Returns the call that an opportunity's note would make. p_edit has status, reason, until for parked, and
-- outdated when the opportunity was changed after the note was written. Refuses (422) a status that no triage
-- gives and a missing reason, and (409, wrong_state) an outdated note.
create or replace function call_of_opportunity_edit(p_principal jsonb, p_vault vaults, p_edit jsonb)
returns jsonb
language plpgsql stable as $$
declare
  v_opportunity opportunities := opportunity_of(p_vault.namespace, (p_edit ->> 'rowId')::uuid);
  v_status text := p_edit ->> 'status';
begin
  if v_status is null or v_status not in ('triaged', 'accepted', 'rejected', 'parked') then
    perform refuse(422, 'invalid_field', format('no note sets an opportunity to %s', v_status), 'status',
      p_edit -> 'status', 'triaged, accepted, rejected, or parked with until: a date'
        || case v_status
          when 'converted_to_job' then '; a job is made by the command convert-opportunity'
          when 'merged' then '; opportunities are merged by the command merge-opportunities'
          else '' end);
  end if;
  if (p_edit ->> 'outdated')::boolean then
    perform refuse(409, 'wrong_state',
      format('opportunity %s was changed after this note was written, and it %s', v_opportunity.opportunity_id,
        decided_text(v_opportunity)),
      'status', p_edit -> 'status',
      format('the command triage-opportunity %s --decision %s --notes TEXT, if you still want it',
        v_opportunity.opportunity_id, v_status));
  end if;
  if p_edit ->> 'reason' is null then
    perform refuse(422, 'invalid_field', 'a decision has a reason', 'reason', null,
      'a line reason: in the front matter of the note, or the option --reason');
  end if;
  return jsonb_build_object(
    'operation', 'triageOpportunity',
    'does', format('set opportunity %s from %s to %s: %s', v_opportunity.opportunity_id, v_opportunity.status,
      v_status, in_sentence(p_edit ->> 'reason')),
    'input', jsonb_strip_nulls(jsonb_build_object(
      'namespace', p_vault.namespace,
      'opportunityId', v_opportunity.opportunity_id,
      'decision', v_status,
      'notes', p_edit -> 'reason',
      'until', p_edit -> 'until')));
end
$$;

-- Returns the call that a note of a person in 00 Inbox would make. p_edit has title, body, hash, and of its
-- front matter kind, theme and tags, or agent, subject and priority; and trust and url where the text comes
-- from outside: the job is untrusted then, and an idea has the tag untrusted and the page as its evidence.
-- Refuses (422) another kind, and another trust than untrusted.
create or replace function call_of_inbox_note(p_vault vaults, p_edit jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_kind text := coalesce(p_edit ->> 'noteKind', 'idea');
  v_outside boolean := coalesce(p_edit ->> 'trust' = 'untrusted', false);
  v_key text := format('vault:%s:%s', p_vault.vault_id, left(p_edit ->> 'hash', 32));
begin
  if v_kind not in ('idea', 'job') then
    perform refuse(422, 'invalid_field', format('a note in 00 Inbox becomes no %s', v_kind), 'kind',
      p_edit -> 'noteKind', 'kind: idea, kind: job with agent and subject, or no kind for an idea');
  end if;
  if not v_outside and p_edit ->> 'trust' is not null then
    perform refuse(422, 'invalid_field', format('a note in 00 Inbox does not become %s by saying so', p_edit ->> 'trust'),
      'trust', p_edit -> 'trust', 'trust: untrusted, or no trust for words of your own');
  end if;
  if v_kind = 'job' then
    return jsonb_build_object(
      'operation', 'enqueueJob',
      'does', format('enqueue %s of %s (%s): "%s"', case when v_outside then 'an untrusted job' else 'a job' end,
        coalesce(p_edit ->> 'agent', 'nobody'),
        coalesce(p_edit ->> 'subject', 'no subject'), in_sentence(p_edit ->> 'title')),
      'input', jsonb_strip_nulls(jsonb_build_object(
        'namespace', p_vault.namespace,
        'targetAgent', p_edit -> 'agent',
        'subject', p_edit -> 'subject',
        'priority', p_edit -> 'priority',
        'trust', case when v_outside then 'untrusted' end,
        'payload', jsonb_strip_nulls(jsonb_build_object('title', p_edit -> 'title', 'task', p_edit -> 'body')),
        'dedupeKey', v_key)));
  end if;
  return jsonb_build_object(
    'operation', 'createIdea',
    'does', format('write down the %s "%s" (theme %s)', case when v_outside then 'untrusted idea' else 'idea' end,
      in_sentence(p_edit ->> 'title'),
      coalesce(p_edit ->> 'theme', 'inbox')),
    'input', jsonb_strip_nulls(jsonb_build_object(
      'namespace', p_vault.namespace,
      'theme', coalesce(p_edit ->> 'theme', 'inbox'),
      'title', p_edit -> 'title',
      'body', coalesce(p_edit -> 'body', p_edit -> 'title'),
      'tags', case when v_outside then coalesce(p_edit -> 'tags', '[]') || '["untrusted"]' else p_edit -> 'tags' end,
      'evidence', case when p_edit ? 'url' then jsonb_build_array(jsonb_build_object(
        'kind', 'url', 'url', p_edit -> 'url', 'lookedAt', utc_text(now()),
        'note', 'The note in 00 Inbox names this as its source, so its text is untrusted.')) end,
      'dedupeKey', v_key)));
end
$$;

-- Returns the call that an edit would make: operation, input, does, which continues the words would or did,
-- and before where the call changes texts. p_edit has kind (memory, opportunity or inbox) and the fields of
-- the function for its kind. Refuses an edit that makes none.
create or replace function vault_import_call(p_principal jsonb, p_vault_id uuid, p_edit jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_vault vaults;
begin
  select * into strict v_vault from vaults where vault_id = p_vault_id;
  perform namespace_of(p_principal, jsonb_build_object('namespace', v_vault.namespace));
  return case p_edit ->> 'kind'
    when 'memory' then call_of_memory_edit(p_principal, v_vault, p_edit)
    when 'opportunity' then call_of_opportunity_edit(p_principal, v_vault, p_edit)
    else call_of_inbox_note(v_vault, p_edit) end;
end
$$;

-- Returns in words what a call has made, for a person who reads the list of an import.
create or replace function vault_import_done(p_operation text, p_answer jsonb) returns text
language sql stable as $$
  select case p_operation
    when 'createMemoryCandidate' then format(
      case when (p_answer ->> 'created')::boolean then 'memory candidate %s; promote-memory-candidate makes it the memory'
        else 'memory candidate %s says the same already' end, p_answer #>> '{candidate,candidateId}')
    when 'triageOpportunity' then format('opportunity %s is %s', p_answer ->> 'opportunityId',
      p_answer ->> 'status')
    when 'createIdea' then format(
      case when (p_answer ->> 'created')::boolean then 'idea %s' else 'idea %s says the same already' end,
      coalesce(p_answer #>> '{idea,ideaId}', p_answer #>> '{opportunity,opportunityId}'))
    when 'enqueueJob' then format(
      case when (p_answer ->> 'created')::boolean then 'job %s' else 'job %s does it already' end,
      p_answer #>> '{job,jobId}') end
$$;

-- Makes the call of an edit (vault_import_call) as a person. p_call has operation and input. Returns in words
-- what it has made.
create or replace function apply_vault_import(p_principal jsonb, p_call jsonb) returns text
language plpgsql as $$
declare
  v_operation text := p_call ->> 'operation';
  v_input jsonb := p_call -> 'input';
begin
  return vault_import_done(v_operation, case v_operation
    when 'createMemoryCandidate' then create_memory_candidate(p_principal, v_input)
    when 'triageOpportunity' then triage_opportunity(p_principal, v_input)
    when 'createIdea' then create_idea(p_principal, v_input)
    when 'enqueueJob' then enqueue_job(p_principal, v_input) end);
end
$$;
