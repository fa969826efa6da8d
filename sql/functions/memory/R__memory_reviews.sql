-- Reviews: the reasons to look at a memory again. What decides about the memory closes its reviews; a review
-- without a cause is withdrawn.

-- Opens a review of a memory, for the caller that act_as has named, and returns its id. p_kind is conflict,
-- wrong, overdue, unused or source_changed, p_detail says why, and p_candidate_id is the candidate of a
-- conflict. Returns null and changes nothing when such a review is open, and for a memory that has ended or
-- that another call is just ending or confirming, so that nobody waits for that call. The lock on the memory
-- lets a call that ends it a moment later close the review, too.
create or replace function open_memory_review(
  p_namespace text, p_memory_id uuid, p_kind text, p_detail text, p_candidate_id uuid default null
) returns uuid language plpgsql as $$
declare
  v_review uuid;
begin
  perform from memories where memory_id = p_memory_id and status = 'active' for share skip locked;
  if not found then
    return null;
  end if;
  insert into memory_reviews (namespace, memory_id, candidate_id, kind, detail, opened_by)
  values (p_namespace, p_memory_id, p_candidate_id, p_kind, p_detail, current_actor())
  on conflict (memory_id, kind, coalesce(candidate_id, memory_id)) where closed_at is null do nothing
  returning review_id into v_review;
  return v_review;
end
$$;

-- Closes the open reviews of a memory that are of one of p_kinds, with an outcome and the reason. Returns how
-- many.
create or replace function close_memory_reviews(
  p_memory_id uuid, p_kinds text[], p_outcome text, p_notes text
) returns int language plpgsql as $$
declare
  v_closed int;
begin
  update memory_reviews
  set outcome = p_outcome, notes = p_notes, closed_by = current_actor(), closed_at = now(),
    updated_at = now()
  where memory_id = p_memory_id
    and kind = any (p_kinds)
    and closed_at is null;
  get diagnostics v_closed = row_count;
  return v_closed;
end
$$;

-- Returns whether a caller may see a review: it may read the memory and, of a conflict, the candidate. A
-- candidate that has retired hides nothing.
create or replace function memory_review_visible(p_principal jsonb, p_review memory_reviews) returns boolean
language sql stable as $$
  select exists (
      select
      from memories
      where memory_id = (p_review).memory_id and memory_visible(p_principal, visibility, owner_agent))
    and not exists (
      select
      from memory_candidates c
      where candidate_id = (p_review).candidate_id and not candidate_visible(p_principal, c))
$$;

-- Returns a review as the contract shows it, with the words of its memory and, of a conflict, of the
-- candidate that says otherwise. The caller may see it.
create or replace function memory_review_row(p_principal jsonb, p_review memory_reviews) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'reviewId', (p_review).review_id,
    'seq', (p_review).seq,
    'namespace', (p_review).namespace,
    'status', case when (p_review).closed_at is null then 'open' else 'closed' end,
    'kind', (p_review).kind,
    'detail', (p_review).detail,
    'memoryId', (p_review).memory_id,
    'memory', (
      select jsonb_strip_nulls(jsonb_build_object('status', status, 'version', version, 'kind', kind,
        'scope', scope, 'subjectKey', subject_key, 'title', title, 'body', body, 'sourceAgent', source_agent,
        'promotedBy', promoted_by))
      from memories
      where memory_id = (p_review).memory_id),
    'candidateId', (p_review).candidate_id,
    'candidate', (
      select jsonb_strip_nulls(jsonb_build_object('status', status, 'kind', kind, 'scope', scope,
        'subjectKey', subject_key, 'title', title, 'body', body, 'sourceAgent', source_agent))
      from memory_candidates
      where candidate_id = (p_review).candidate_id),
    'openedBy', (p_review).opened_by,
    'outcome', (p_review).outcome,
    'notes', (p_review).notes,
    'closedBy', (p_review).closed_by,
    'closedAt', (p_review).closed_at,
    'createdAt', (p_review).created_at,
    'updatedAt', (p_review).updated_at))
$$;

-- Returns whether a review fits the filter of a list.
create or replace function memory_review_fits(p_review memory_reviews, p_input jsonb) returns boolean
language sql immutable as $$
  select case p_input ->> 'status'
      when 'open' then (p_review).closed_at is null
      when 'closed' then (p_review).closed_at is not null
      else true end
    and (p_input ->> 'kind' is null or (p_review).kind = any (string_to_array(p_input ->> 'kind', ',')))
    and (p_input ->> 'candidateId' is null or (p_review).candidate_id = (p_input ->> 'candidateId')::uuid)
$$;

-- Returns the reviews among which a list searches, newest first, at most proposal_looks: those of one memory,
-- the open ones, or all. Only one branch runs.
create or replace function memory_reviews_to_list(p_namespace text, p_input jsonb, p_before bigint)
returns setof memory_reviews
language sql stable as $$
  (
    select *
    from memory_reviews
    where p_input ? 'memoryId'
      and memory_id = (p_input ->> 'memoryId')::uuid and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
  union all
  (
    select *
    from memory_reviews
    where not p_input ? 'memoryId' and p_input ->> 'status' = 'open'
      and closed_at is null and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
  union all
  (
    select *
    from memory_reviews
    where not p_input ? 'memoryId' and p_input ->> 'status' <> 'open'
      and namespace = p_namespace and seq < p_before
    order by seq desc
    limit proposal_looks())
$$;

create or replace function list_memory_reviews(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_input jsonb := '{"status": "open"}' || p_input;
  v_rows refcursor;
begin
  open v_rows for
    select r.seq, r.created_at,
      case when memory_review_fits(r, v_input) and memory_review_visible(p_principal, r)
        then memory_review_row(p_principal, r) end as shown
    from memory_reviews_to_list(v_namespace, v_input,
      coalesce((p_input ->> 'before')::bigint, 9223372036854775807)) r;
  return page_of(v_rows, 'reviews', p_input, proposal_looks());
end
$$;
comment on function list_memory_reviews(jsonb, jsonb) is
  'The operation listMemoryReviews: the reviews that the caller may see, newest first, at most limit (default 50) and at most answer_bytes, each with the words of its memory and of the candidate that says otherwise. Without status the open ones. next of the answer is before of the following page. A call reads at most proposal_looks rows; when it stops there, searchedTo says how far it has searched.';

create or replace function close_memory_review(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_id uuid := (p_input ->> 'reviewId')::uuid;
  v_notes text := clean_memory(p_input) ->> 'notes';
  v_review memory_reviews;
  v_memory memories;
begin
  perform act_as(p_principal, v_notes);
  perform lock_memories(v_namespace);
  select * into v_review
  from memory_reviews r
  where review_id = v_id and namespace = v_namespace and memory_review_visible(p_principal, r)
  for no key update;
  if not found then
    perform refuse(404, 'unknown_review', format('there is no review %s of a memory in namespace %s', v_id, v_namespace),
      'reviewId', to_jsonb(v_id), 'the id of a review; see list-memory-reviews');
  end if;
  perform refuse_frozen_caller(p_principal, v_namespace, 'reviewId');
  v_memory := memory_of(p_principal, v_namespace, v_review.memory_id);
  perform require_right_to_curate(p_principal, v_namespace, v_memory.visibility, v_memory.owner_agent,
    'close a review of', 'reviewId', to_jsonb(v_id));
  perform refuse_author(p_principal, v_memory, 'close a review of', 'reviewId');
  if v_review.outcome = 'withdrawn' and v_review.notes = v_notes and v_review.closed_by = current_actor() then
    return memory_review_row(p_principal, v_review) || '{"changed": false}';
  end if;
  if v_review.closed_at is not null then
    perform refuse(409, 'wrong_state', format('review %s was closed as %s by %s at %s: %s', v_id,
        replace(v_review.outcome, '_', ' '), v_review.closed_by, utc_text(v_review.closed_at), v_review.notes),
      'reviewId', to_jsonb(v_id), 'an open review');
  end if;
  update memory_reviews
  set outcome = 'withdrawn', notes = v_notes, closed_by = current_actor(), closed_at = now(),
    updated_at = now()
  where review_id = v_id
  returning * into v_review;
  return memory_review_row(p_principal, v_review) || '{"changed": true}';
end
$$;
comment on function close_memory_review(jsonb, jsonb) is
  'The operation closeMemoryReview: withdraws a review that turned out to be nothing, with the reason; the memory stays as it is. Takes reviewId and notes; returns the review with changed. Refuses (403) an agent that may not curate the memory, and its author, and (409) a review that was closed otherwise.';
