-- The criteria of the gate of phase 5, each computed from the ledger since p_from; p_now is the present time.

-- Returns the agents and UTC days since p_from on which idle thinking has spent more than the budget of that
-- day allowed at its last run: unit is runs, minutes, tokens or dollars. The day of a run is that of its
-- slot's start. A run that a sweep has ended may have taken idle_gate_slack longer than allowed. Runs that
-- were started by hand, which no budget stops, do not count.
create or replace function days_over_idle_budget(p_namespace text, p_from timestamptz)
returns table (agent_id text, day date, unit text, spent numeric, budget numeric) language sql stable as $$
  select d.agent_id, d.day, u.unit, u.spent, (d.budget ->> u.unit)::numeric
  from (
    select r.agent_id, (r.created_at at time zone 'UTC')::date as day,
      (array_agg(r.budget order by r.created_at desc))[1] as budget, count(*) as runs,
      round(sum(r.seconds) / 60.0, 1) as minutes, sum(r.tokens) as tokens, sum(r.cost_usd) as dollars
    from idle_runs r
    where r.namespace = p_namespace
      and r.created_at >= p_from
      and r.began_at is not null
      and not r.by_hand
    group by r.agent_id, 2) d
  cross join lateral (values
    ('runs', d.runs::numeric, 0),
    ('minutes', d.minutes, d.runs * extract(epoch from idle_gate_slack()) / 60),
    ('tokens', d.tokens, 0),
    ('dollars', d.dollars, 0)) u (unit, spent, slack)
  where u.spent > (d.budget ->> u.unit)::numeric + u.slack
$$;

-- Criterion: within the demanded time agents have thought, and none has spent more on a UTC day than its
-- budget; without idle runs there is nothing to judge. Runs by hand are counted apart.
create or replace function gate_idle_budgets(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_over record;
  v_runs record;
begin
  select * into v_over
  from days_over_idle_budget(p_namespace, v_window)
  order by day desc, agent_id, unit
  limit 1;
  select count(*) filter (where not by_hand) as runs, count(*) filter (where by_hand) as by_hand,
    count(distinct agent_id) filter (where not by_hand) as agents,
    sum(tokens) filter (where not by_hand) as tokens
  into v_runs
  from idle_runs
  where namespace = p_namespace
    and created_at >= v_window
    and began_at is not null;
  return criterion('idle_under_budget', 'idle thinking stays within its budget',
    case when v_over.agent_id is not null then 'not_met' when v_runs.runs > 0 then 'met'
      else 'not_measured' end,
    v_over.day::timestamp at time zone 'UTC',
    case
      when v_over.agent_id is not null then format('agent %s has spent %s of %s %s on %s', v_over.agent_id,
        v_over.spent, v_over.budget, v_over.unit, v_over.day)
      when v_runs.runs > 0 then format('%s of %s%s, and each day within its budget',
        count_of(v_runs.runs, 'idle run', 'idle runs'), count_of(v_runs.agents, 'agent', 'agents'),
        coalesce(format(', %s tokens', v_runs.tokens), ''))
      else 'no idle run has begun in this time' end
      || case when v_runs.by_hand > 0 then format(' (%s by hand not counted)',
        count_of(v_runs.by_hand, 'run', 'runs')) else '' end,
    jsonb_build_object('runs', v_runs.runs, 'runsByHand', v_runs.by_hand, 'agents', v_runs.agents,
      'tokens', v_runs.tokens),
    gate_command(p_namespace, 'idle-report'));
end
$$;

-- Criterion: each vault in use that was exported within the demanded time was verified within
-- vault_verified_within, without a difference, and its last export has not failed. Without such a vault there
-- is nothing to judge.
create or replace function gate_vaults(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_bad vaults;
  v_seen record;
begin
  select count(*) as vaults, sum(notes) as notes, max(verified_at) as verified_at into v_seen
  from vaults
  where namespace = p_namespace
    and vault_in_use(vaults)
    and exported_at >= v_window;
  select * into v_bad
  from vaults
  where namespace = p_namespace
    and vault_in_use(vaults)
    and (exported_at >= v_window or export_failed_at >= v_window)
    and (export_error is not null
      or differences > 0
      or verified_at is null
      or verified_at < p_now - vault_verified_within())
  order by created_at
  limit 1;
  return criterion('vault_agrees', 'vault and database agree',
    case when v_bad.vault_id is not null then 'not_met' when v_seen.vaults > 0 then 'met'
      else 'not_measured' end,
    coalesce(v_bad.export_failed_at, v_bad.verified_at, v_seen.verified_at),
    case
      when v_bad.export_error is not null then format('the last export of vault %s has failed: %s',
        v_bad.directory, in_sentence(v_bad.export_error))
      when v_bad.differences > 0 then format('vault %s has %s since %s', v_bad.directory,
        count_of(v_bad.differences, 'difference', 'differences'), utc_text(v_bad.verified_at))
      when v_bad.vault_id is not null then format('vault %s was %s', v_bad.directory,
        coalesce('last verified at ' || utc_text(v_bad.verified_at), 'never verified'))
      when v_seen.vaults > 0 then format('%s in %s, verified at %s', count_of(v_seen.notes, 'note', 'notes'),
        count_of(v_seen.vaults, 'vault', 'vaults'), utc_text(v_seen.verified_at))
      else 'no vault was exported in this time' end,
    jsonb_build_object('vaults', v_seen.vaults, 'notes', v_seen.notes, 'sample', v_bad.vault_id),
    gate_command(p_namespace, 'verify-vault DIR'));
end
$$;
