-- Ideas: what agents notice, below the bar of an opportunity. See docs/guide/proposals.md.

-- Returns an idea as the contract shows it. Long texts are cut after p_text characters (null: whole), and
-- then the evidence is only counted.
create or replace function idea_row(p_idea ideas, p_text int) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'ideaId', (p_idea).idea_id,
    'seq', (p_idea).seq,
    'namespace', (p_idea).namespace,
    'status', (p_idea).status,
    'sourceAgent', (p_idea).source_agent,
    'sourceJobId', (p_idea).source_job_id,
    'sourceJobType', (p_idea).source_job_type,
    'theme', (p_idea).theme,
    'title', (p_idea).title,
    'body', cut((p_idea).body, p_text),
    'bodyBytes', octet_length((p_idea).body),
    'tags', to_jsonb((p_idea).tags),
    'evidence', case when p_text is null then (p_idea).evidence end,
    'evidenceCount', jsonb_array_length((p_idea).evidence),
    'dedupeKey', (p_idea).dedupe_key,
    'reviewedBy', (p_idea).reviewed_by,
    'reviewedAt', (p_idea).reviewed_at,
    'notes', cut((p_idea).notes, p_text),
    'opportunityId', (p_idea).opportunity_id,
    'touchedAt', (p_idea).touched_at,
    'endedAt', (p_idea).ended_at,
    'createdAt', (p_idea).created_at,
    'updatedAt', (p_idea).updated_at))
$$;

-- Returns an idea of the namespace. Refuses an unknown one (404).
create or replace function idea_of(p_namespace text, p_idea_id uuid) returns ideas
language plpgsql stable as $$
declare
  v_idea ideas;
begin
  select * into v_idea from ideas where idea_id = p_idea_id and namespace = p_namespace;
  if not found then
    perform refuse(404, 'unknown_idea', format('there is no idea %s in namespace %s', p_idea_id, p_namespace),
      'ideaId', to_jsonb(p_idea_id), 'the id of an idea; see list-ideas');
  end if;
  return v_idea;
end
$$;

-- Returns the fields in which the request of an idea differs from the idea with its dedupe key.
create or replace function differing_idea(p_input jsonb, p_idea ideas) returns jsonb
language sql stable as $$
  select differing(p_input, jsonb_build_object('theme', (p_idea).theme, 'title', (p_idea).title,
    'body', (p_idea).body))
$$;

create or replace function create_idea(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_source text := proposer_of(p_principal, v_namespace, p_input);
  v_input jsonb := clean_proposal(p_input);
  v_evidence jsonb;
  v_older jsonb;
  v_idea ideas;
begin
  perform act_as(p_principal, 'idea proposed');
  perform lock_proposals(v_namespace);
  select * into v_idea from ideas where namespace = v_namespace and dedupe_key = p_input ->> 'dedupeKey';
  if found then
    return jsonb_build_object('idea', idea_row(v_idea, null), 'created', false,
      'differs', differing_idea(v_input, v_idea)) || close_now(p_principal);
  end if;
  v_evidence := checked_evidence(p_principal, v_namespace, p_input -> 'evidence');
  v_older := answer_of_older(p_principal, v_namespace, v_source, 'idea', v_input, v_input ->> 'body', v_evidence);
  if v_older is not null then
    return v_older || close_now(p_principal);
  end if;
  if is_agent(p_principal) then
    perform charge_proposal(v_namespace, v_source, 'idea', v_input ->> 'theme', null, null);
  end if;
  insert into ideas (namespace, source_agent, source_job_id, source_job_type, theme, title, body, tags,
    evidence, dedupe_key)
  values (
    v_namespace, v_source, (p_principal ->> 'jobId')::uuid,
    (select job_type from jobs where job_id = (p_principal ->> 'jobId')::uuid),
    v_input ->> 'theme', v_input ->> 'title', v_input ->> 'body',
    array(select jsonb_array_elements_text(coalesce(v_input -> 'tags', '[]'))), v_evidence,
    p_input ->> 'dedupeKey')
  returning * into v_idea;
  perform append_event(v_namespace, 'idea.created', v_source, v_idea.source_job_id,
    jsonb_build_object('ideaId', v_idea.idea_id, 'theme', v_idea.theme, 'title', v_idea.title));
  perform pg_notify('ideas_ready', v_namespace);
  return jsonb_build_object('idea', idea_row(v_idea, null), 'created', true) || close_now(p_principal);
end
$$;
comment on function create_idea(jsonb, jsonb) is
  'The operation createIdea: keeps an idea, or returns the one with the same dedupe key. Refuses evidence that does not exist (unknown_evidence), an idea that is there already in other words (near_duplicate) or was decided against (rejected_before), and one over the budget of its agent.';

create or replace function get_idea(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
begin
  return idea_row(idea_of(namespace_of(p_principal, p_input), (p_input ->> 'ideaId')::uuid), null);
end
$$;
comment on function get_idea(jsonb, jsonb) is
  'The operation getIdea: one idea with its whole body and its evidence. Refuses an unknown idea (404).';

-- Returns whether an idea fits the filter of a list.
create or replace function idea_fits(p_idea ideas, p_input jsonb) returns boolean
language sql immutable as $$
  select (p_input ->> 'status' is null or (p_idea).status = any (string_to_array(p_input ->> 'status', ',')))
    and (p_input ->> 'sourceAgent' is null or (p_idea).source_agent = p_input ->> 'sourceAgent')
    and (p_input ->> 'theme' is null or (p_idea).theme = lower(one_line(p_input ->> 'theme', null)))
    and (p_input ->> 'tag' is null or lower(one_line(p_input ->> 'tag', null)) = any ((p_idea).tags))
$$;

-- Returns the ideas among which a list searches, newest first, at most p_limit: the open ones when only these
-- are asked for, otherwise all. Only one branch runs, so that the open ones are found beside any number of
-- others.
create or replace function ideas_to_list(p_namespace text, p_input jsonb, p_before bigint, p_limit int)
returns setof ideas
language sql stable as $$
  (
    select *
    from ideas
    where p_input ->> 'status' in ('new', 'reviewed', 'new,reviewed', 'reviewed,new')
      and ended_at is null and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
  union all
  (
    select *
    from ideas
    where (p_input ->> 'status' in ('new', 'reviewed', 'new,reviewed', 'reviewed,new')) is not true
      and namespace = p_namespace and seq < p_before
    order by seq desc
    limit p_limit)
$$;

create or replace function list_ideas(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_rows refcursor;
begin
  open v_rows for
    select i.seq, i.created_at,
      case when idea_fits(i, p_input) then idea_row(i, list_text()) end as shown
    from ideas_to_list(v_namespace, p_input,
      coalesce((p_input ->> 'before')::bigint, 9223372036854775807), proposal_looks()) i;
  return page_of(v_rows, 'ideas', p_input, proposal_looks());
end
$$;
comment on function list_ideas(jsonb, jsonb) is
  'The operation listIdeas: ideas, newest first, at most limit (default 50) and at most answer_bytes. Every other field of the input narrows the list; next of the answer is before of the following page. A call reads at most proposal_looks rows; when it stops there, the answer says how far it has searched (searchedTo).';

-- Returns an idea of the namespace, locked. Refuses an unknown one (404).
create or replace function locked_idea(p_namespace text, p_idea_id uuid) returns ideas
language plpgsql as $$
declare
  v_idea ideas := idea_of(p_namespace, p_idea_id);
begin
  select * into v_idea from ideas where idea_id = v_idea.idea_id for no key update;
  return v_idea;
end
$$;

-- Refuses (409, wrong_state) an idea that has ended, and says how, when and by whom. p_what is what was asked
-- for, such as be reviewed.
create or replace function refuse_ended_idea(p_idea ideas, p_what text) returns void
language plpgsql stable as $$
begin
  if p_idea.ended_at is null then
    return;
  end if;
  perform refuse(409, 'wrong_state',
    case p_idea.status
      when 'archived' then format('idea %s was archived by %s at %s and cannot %s: %s', p_idea.idea_id,
        case when p_idea.reviewed_at = p_idea.ended_at then p_idea.reviewed_by else 'the bus' end,
        utc_text(p_idea.ended_at), p_what, p_idea.notes)
      else format('idea %s was promoted to opportunity %s by %s at %s and cannot %s', p_idea.idea_id,
        p_idea.opportunity_id,
        coalesce((select promoted_by from opportunities where opportunity_id = p_idea.opportunity_id), 'somebody'),
        utc_text(p_idea.ended_at), p_what) end,
    'ideaId', to_jsonb(p_idea.idea_id), 'an idea that is new or reviewed');
end
$$;

create or replace function review_idea(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_proposal(p_input) ->> 'notes';
  v_idea ideas;
begin
  perform act_as(p_principal, v_notes);
  v_idea := locked_idea(v_namespace, (p_input ->> 'ideaId')::uuid);
  if is_agent(p_principal) and p_principal ->> 'name' = v_idea.source_agent then
    perform refuse(403, 'forbidden', format('idea %s is of agent %s, and nobody reviews an idea of their own',
        v_idea.idea_id, v_idea.source_agent),
      'ideaId', to_jsonb(v_idea.idea_id), 'an idea of another agent; or promote-idea-to-opportunity');
  end if;
  perform refuse_ended_idea(v_idea, 'be reviewed');
  if v_idea.status = 'reviewed' and v_idea.notes = v_notes and v_idea.reviewed_by = current_actor() then
    return idea_row(v_idea, null) || '{"changed": false}';
  end if;
  update ideas
  set status = 'reviewed', reviewed_by = current_actor(), reviewed_at = now(), notes = v_notes,
    touched_at = now(), updated_at = now()
  where idea_id = v_idea.idea_id
  returning * into v_idea;
  return idea_row(v_idea, null) || '{"changed": true}';
end
$$;
comment on function review_idea(jsonb, jsonb) is
  'The operation reviewIdea: records what another agent or a person thinks of an idea; its 14 days begin anew. Takes ideaId and notes; returns the idea with changed. Refuses the author (403) and an idea that has ended (409).';

create or replace function archive_idea(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_notes text := clean_proposal(p_input) ->> 'notes';
  v_idea ideas;
begin
  perform act_as(p_principal, v_notes);
  v_idea := locked_idea(v_namespace, (p_input ->> 'ideaId')::uuid);
  if p_principal ->> 'name' is distinct from v_idea.source_agent then
    perform require_right_to_decide(p_principal, v_namespace, 'triage', 'archive the idea of another agent',
      'ideaId', to_jsonb(v_idea.idea_id));
  end if;
  if v_idea.status = 'archived' and v_idea.notes = v_notes then
    return idea_row(v_idea, null) || '{"changed": false}';
  end if;
  perform refuse_ended_idea(v_idea, 'be archived');
  update ideas
  set status = 'archived', reviewed_by = current_actor(), reviewed_at = now(), notes = v_notes,
    ended_at = now(), updated_at = now()
  where idea_id = v_idea.idea_id
  returning * into v_idea;
  return idea_row(v_idea, null) || '{"changed": true}';
end
$$;
comment on function archive_idea(jsonb, jsonb) is
  'The operation archiveIdea: ends an idea that is not to be followed, with the reason. Takes ideaId and notes; returns the idea with changed. For its author, operators and agents with mayTriage.';
