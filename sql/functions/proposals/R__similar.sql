-- Nothing twice: a proposal is compared with the open ones, with those that are worked on, and with those
-- that were rejected a short time ago. See docs/adr/0022.

-- Returns the words of a title that begin with a letter and have a digit, such as db-1, in lower case. Two
-- titles that both have such words and share none speak of different things. A bare number or a date names
-- nothing: it is another one in the same proposal of the next day.
create or replace function numbered_words(p_title text) returns text[]
language sql immutable as $$
  select array(
    select word
    from regexp_split_to_table(lower(p_title), '\s+') part
    cross join btrim(part, '.,:;()') word
    where word ~ '^[[:alpha:]].*\d')
$$;

-- Returns how similar two titles are, from 0 to 1. 0 when they have little in common or name different
-- things.
create or replace function title_similarity(p_title text, p_other text) returns real
language sql immutable as $$
  select case
    when alike < least_similar_title() then 0
    when words <> '{}' and other_words <> '{}' and not words && other_words then 0
    else alike end
  from (
    select similarity_of(p_title, p_other) as alike,
      numbered_words(p_title) as words,
      numbered_words(p_other) as other_words) t
$$;

-- Returns how similar two proposals are, from 0 to 1: the mean of the similarity of their titles and of their
-- bodies, in which the body weighs more, or that of the titles alone when they are nearly equal or have too
-- little in common. Bodies are as compared_body returns them.
create or replace function proposal_similarity(
  p_title text, p_body text, p_other_title text, p_other_body text
) returns real
language plpgsql immutable as $$
declare
  v_title real := title_similarity(p_title, p_other_title);
begin
  if v_title = 0 or v_title >= equal_title() then
    return v_title;
  end if;
  return title_weight() * v_title + (1 - title_weight()) * similarity_of(p_body, p_other_body);
end
$$;

-- Returns the part of a body that is compared.
create or replace function compared_body(p_body text) returns text
language sql immutable as $$
  select left(p_body, compared_length())
$$;

-- Returns the text of an opportunity that is compared with the bodies of others.
create or replace function opportunity_body(p_why_now text, p_if_nothing text, p_next_step text) returns text
language sql immutable as $$
  select p_why_now || E'\n' || p_next_step || E'\n' || p_if_nothing
$$;

-- Returns the proposal that is most similar to this title and body among the open ones and those that became
-- jobs within rejected_remembered, with its similarity; no row when none reaches near_duplicate_from. A job
-- that failed leaves its matter open for another proposal. An idea that was promoted stands for its
-- opportunity. At most compared_proposals of each kind are compared, the newest. p_except is an idea that is
-- not compared, because it is the one that is promoted.
create or replace function most_similar(p_namespace text, p_title text, p_body text, p_except uuid)
returns table (kind text, id uuid, status text, source_agent text, similarity real)
language sql stable as $$
  with candidates as (
    (
      select 'idea' as kind, idea_id as id, status, source_agent, title, body
      from ideas
      where namespace = p_namespace and ended_at is null and idea_id is distinct from p_except
      order by seq desc
      limit compared_proposals())
    union all
    (
      select 'opportunity', o.opportunity_id, o.status, o.source_agent, t.title, t.body
      from (
        select *
        from opportunities
        where namespace = p_namespace and ended_at is null
        order by seq desc
        limit compared_proposals()) o
      -- The limit makes this a look by the key for each promoted one, and never a scan of all ideas.
      left join lateral (
        select title, body
        from ideas
        where idea_id = o.idea_id
        limit 1) i on true
      cross join lateral (
        values
          (o.title, opportunity_body(o.why_now, o.if_nothing, o.suggested_next_step)),
          (i.title, i.body)) t (title, body)
      where t.title is not null)
    union all
    (
      select 'opportunity', o.opportunity_id, o.status, o.source_agent, o.title,
        opportunity_body(o.why_now, o.if_nothing, o.suggested_next_step)
      from opportunities o
      where o.namespace = p_namespace and o.status = 'converted_to_job'
        and o.ended_at > now() - rejected_remembered()
        and job_hit(o.converted_job_id) is distinct from false
      order by o.ended_at desc
      limit compared_proposals())
  )
  select kind, id, status, source_agent, similarity
  from (
    select kind, id, status, source_agent,
      proposal_similarity(p_title, compared_body(p_body), title, compared_body(body)) as similarity
    from candidates) compared
  where similarity >= near_duplicate_from()
  order by similarity desc, id
  limit 1
$$;

-- Returns the newest decision against a proposal that is close to this one: an opportunity that was rejected,
-- or an idea that a person or agent has archived, within rejected_remembered. Close is a title like
-- rejected_title_from of the same theme, or a near-duplicate. No row when there is none.
create or replace function rejected_like(p_namespace text, p_theme text, p_title text, p_body text)
returns table (kind text, id uuid, decided_by text, decided_at timestamptz, notes text, evidence jsonb)
language sql stable as $$
  with candidates as (
    (
      select 'opportunity' as kind, o.opportunity_id as id, r.reviewer as decided_by, o.ended_at as decided_at,
        r.notes, o.evidence, o.theme, o.title,
        opportunity_body(o.why_now, o.if_nothing, o.suggested_next_step) as body
      from opportunities o
      join lateral (
        select reviewer, notes
        from opportunity_reviews v
        where v.opportunity_id = o.opportunity_id and v.decision = 'rejected'
        order by v.seq desc
        limit 1) r on true
      where o.namespace = p_namespace and o.status = 'rejected'
        and o.ended_at > now() - rejected_remembered()
      order by o.ended_at desc
      limit compared_proposals())
    union all
    (
      select 'idea', idea_id, reviewed_by, ended_at, notes, evidence, theme, title, body
      from ideas
      where namespace = p_namespace and status = 'archived' and reviewed_at = ended_at
        and ended_at > now() - rejected_remembered()
      order by ended_at desc
      limit compared_proposals())
  )
  select kind, id, decided_by, decided_at, notes, evidence
  from candidates c
  where proposal_similarity(p_title, compared_body(p_body), c.title, compared_body(c.body))
      >= near_duplicate_from()
    or c.theme = p_theme and title_similarity(p_title, c.title) >= rejected_title_from()
  order by decided_at desc
  limit 1
$$;

-- Returns the entries of p_evidence that name nothing that p_known names.
create or replace function new_evidence(p_evidence jsonb, p_known jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(entry order by place), '[]')
  from jsonb_array_elements(p_evidence) with ordinality e (entry, place)
  where not exists (
    select from jsonb_array_elements(p_known) k (known) where evidence_key(known) = evidence_key(entry))
$$;

-- Refuses (422, rejected_before) a proposal close to one that was decided against within
-- rejected_remembered, unless its evidence names a thing that the other's did not.
create or replace function refuse_rejected_before(
  p_namespace text, p_theme text, p_title text, p_body text, p_evidence jsonb
) returns void language plpgsql stable as $$
declare
  v_before record;
begin
  select * into v_before from rejected_like(p_namespace, p_theme, p_title, p_body);
  if not found or new_evidence(p_evidence, v_before.evidence) <> '[]' then
    return;
  end if;
  perform refuse(422, 'rejected_before',
    format('%s has %s the like, %s %s, at %s: %s', v_before.decided_by,
      case v_before.kind when 'idea' then 'archived' else 'rejected' end, v_before.kind, v_before.id,
      utc_text(v_before.decided_at), v_before.notes),
    'title', to_jsonb(p_title),
    format('evidence that names a thing, other than the job of this call, which that one did not name; or wait until %s',
      utc_text(v_before.decided_at + rejected_remembered())));
end
$$;

-- Refuses (422, near_duplicate) a proposal that is nearly the same as an older one, and names that one with
-- the ways that are left. p_kind is idea, opportunity or, for an idea that is promoted, promotion.
create or replace function refuse_near_duplicate(p_kind text, p_older record, p_title text) returns void
language plpgsql stable as $$
begin
  perform refuse(422, 'near_duplicate',
    format('%s %s of %s says nearly the same (%s %% alike) and is %s', p_older.kind, p_older.id,
      p_older.source_agent, round((p_older.similarity * 100)::numeric), replace(p_older.status, '_', ' ')),
    'title', to_jsonb(p_title),
    case
      when p_kind = 'promotion' then 'archive-idea for this idea; '
      when p_older.status = 'converted_to_job'
        then 'nothing: its job is open or has succeeded, see get-opportunity; '
      when p_kind = 'opportunity' and p_older.kind = 'idea'
        then format('promote-idea-to-opportunity for idea %s with the rest of these fields; ', p_older.id)
      else 'the same call with ifSimilar merge, which adds its evidence to that one; ' end
    || 'or a title and text that say what is different');
end
$$;

-- Adds the evidence of a proposal to the older one that says nearly the same, each entry with the name of
-- p_source as addedBy. Refuses (422, near_duplicate) evidence that names nothing new, more than
-- most_evidence, and an older one that has become a job or has ended since it was compared. Returns the
-- answer of the create operation: the older idea or opportunity, created false, merged true, similarity.
create or replace function merge_as_evidence(p_source text, p_older record, p_title text, p_evidence jsonb)
returns jsonb
language plpgsql as $$
declare
  v_idea ideas;
  v_opportunity opportunities;
  v_known jsonb;
  v_new jsonb;
begin
  if p_older.status = 'converted_to_job' then
    perform refuse_near_duplicate(p_older.kind, p_older, p_title);
  end if;
  if p_older.kind = 'idea' then
    select * into v_idea from ideas where idea_id = p_older.id for no key update;
    v_known := v_idea.evidence;
  else
    select * into v_opportunity from opportunities where opportunity_id = p_older.id for no key update;
    v_known := v_opportunity.evidence;
  end if;
  if v_idea.ended_at is not null or v_opportunity.ended_at is not null then
    perform refuse(422, 'near_duplicate',
      format('%s %s of %s says nearly the same and has ended since this call began', p_older.kind, p_older.id, p_older.source_agent),
      'title', to_jsonb(p_title), 'the same call again, which compares with what is open then');
  end if;
  v_new := new_evidence(p_evidence, v_known);
  if v_new = '[]' or jsonb_array_length(v_known || v_new) > most_evidence() then
    perform refuse(422, 'near_duplicate',
      case when v_new = '[]'
        then format('%s %s of %s says nearly the same and has this evidence already', p_older.kind, p_older.id, p_older.source_agent)
        else format('%s %s of %s says nearly the same and would have more than %s pieces of evidence', p_older.kind, p_older.id,
          p_older.source_agent, most_evidence()) end,
      'evidence', to_jsonb(jsonb_array_length(p_evidence)),
      'nothing: it is known; or evidence that names another job, event, slot or page');
  end if;
  v_known := v_known || (
    select jsonb_agg(entry || jsonb_build_object('addedBy', p_source) order by place)
    from jsonb_array_elements(v_new) with ordinality e (entry, place));
  if p_older.kind = 'idea' then
    update ideas
    set evidence = v_known, touched_at = case when source_agent = p_source then touched_at else now() end,
      updated_at = now()
    where idea_id = p_older.id
    returning * into v_idea;
    return jsonb_build_object('idea', idea_row(v_idea, null), 'created', false, 'merged', true,
      'similarity', round(p_older.similarity::numeric, 2));
  end if;
  update opportunities
  set evidence = v_known, touched_at = case when source_agent = p_source then touched_at else now() end,
    updated_at = now()
  where opportunity_id = p_older.id
  returning * into v_opportunity;
  return jsonb_build_object('opportunity', opportunity_json(v_opportunity), 'created', false, 'merged', true,
    'similarity', round(p_older.similarity::numeric, 2));
end
$$;

-- Returns evidence with the job that brings it as addedJob of each entry, from which the job of a converted
-- opportunity takes its trust. Without a job the evidence stays as it is.
create or replace function evidence_of_job(p_evidence jsonb, p_job_id text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    entry || jsonb_strip_nulls(jsonb_build_object('addedJob', p_job_id)) order by place), '[]')
  from jsonb_array_elements(p_evidence) with ordinality e (entry, place)
$$;

-- Holds back what is there already. Refuses a proposal close to a rejected one (rejected_before), and one
-- that is nearly the same as an open one (near_duplicate), or with ifSimilar merge adds its evidence to that
-- one and returns the answer. Null when the proposal is new. With ifSimilar keep, which only an operator may
-- send, both are passed over. The job of the call is no new evidence.
-- An agent without a budget for p_kind adds none. p_except is the idea that is promoted.
create or replace function answer_of_older(
  p_principal jsonb, p_namespace text, p_source text, p_kind text, p_input jsonb, p_body text,
  p_evidence jsonb, p_except uuid default null
) returns jsonb language plpgsql as $$
declare
  v_evidence jsonb := evidence_beside_own(p_principal, p_evidence, p_except);
  v_older record;
begin
  if p_input ->> 'ifSimilar' = 'keep' then
    if is_agent(p_principal) then
      perform refuse(403, 'forbidden', 'only an operator may keep a proposal beside one that says nearly the same',
        'ifSimilar', p_input -> 'ifSimilar', 'refuse or merge');
    end if;
    return null;
  end if;
  select * into v_older from most_similar(p_namespace, p_input ->> 'title', p_body, p_except);
  if found then
    if p_input ->> 'ifSimilar' = 'merge' then
      if is_agent(p_principal) then
        perform require_budget(p_namespace, p_source, p_kind);
      end if;
      return merge_as_evidence(p_source, v_older, p_input ->> 'title',
        evidence_of_job(v_evidence, p_principal ->> 'jobId'));
    end if;
    perform refuse_near_duplicate(p_kind, v_older, p_input ->> 'title');
  end if;
  perform refuse_rejected_before(p_namespace, p_input ->> 'theme', p_input ->> 'title', p_body, v_evidence);
  return null;
end
$$;
