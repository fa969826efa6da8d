-- The source of needs-me about what people have stopped. Agents that are paused for long are in
-- console/R__needs_of_bus.sql.

-- Returns one item for each pause in force that a person may have forgotten: a stop or pause of everything at
-- once, every other pause and freeze after pause_forgotten.
create or replace function needs_stops(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    format('%s/%s/%s', case p.mode when 'freeze' then 'frozen' else 'paused' end, p.kind, coalesce(p.name, '')),
    case p.mode when 'freeze' then 'frozen' else 'paused' end,
    p.since,
    needs_item(
      format('%s is %s by %s: %s.', initcap(left(subject, 1)) || substr(subject, 2), pause_status(p), p.paused_by,
        in_sentence(p.reason)),
      case
        when p.until is not null then format('It goes on by itself at %s.', utc_text(p.until))
        when p.mode = 'freeze' then 'New work stays refused.'
        else 'It stays so, and the jobs wait.' end,
      jsonb_build_object('agentId', case p.kind when 'agent' then p.name end,
        'gateway', case p.kind when 'gateway' then p.name end),
      needs_action(
        case p.mode when 'freeze' then 'Unfreeze' else 'Resume' end,
        case p.mode when 'freeze' then 'unfreeze' else 'resume' end,
        jsonb_build_object('kind', p.kind, 'name', p.name), array['reason']))
  from pauses p
  cross join lateral paused_subject(p.kind, p.name) subject
  where p.namespace = p_namespace
    and p.ended_at is null
    and pause_in_force(p)
    and (p.kind <> 'agent' or p.mode = 'freeze')
    and (p.kind = 'everything' or p.since < now() - pause_forgotten())
$$;
