-- The gates of the phases, computed from the ledger. docs/guide/phases.md explains each criterion.
--
-- A criterion is met only by rows that show it: an empty table gives not_measured. Each read follows an index
-- or stops after gate_looks rows, so the cost does not grow with the number of jobs.

-- Returns one criterion of a gate: its name, its sentence, its status (met, not_met or not_measured), since
-- when it has this status, why, the numbers and samples that were seen, and the command that shows them.
create or replace function criterion(
  p_name text, p_words text, p_status text, p_since timestamptz, p_why text, p_seen jsonb, p_evidence text
) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'name', p_name,
    'criterion', p_words,
    'status', p_status,
    'since', p_since,
    'why', p_why,
    'seen', jsonb_strip_nulls(p_seen),
    'evidence', p_evidence))
$$;

-- Returns a command of the command line for the namespace.
create or replace function gate_command(p_namespace text, p_command text) returns text
language sql immutable as $$
  select 'agentbus ' || p_command || case when p_namespace <> 'default' then ' --namespace ' || p_namespace else '' end
$$;

-- Returns a length of time in whole hours, for sentences.
create or replace function in_hours(p_length interval) returns text language sql immutable as $$
  select floor(extract(epoch from p_length) / 3600)::bigint || ' h'
$$;

-- Criterion: a person has signed off the phase before.
create or replace function gate_before(p_namespace text, p_phase int) returns jsonb
language plpgsql stable as $$
declare
  v_before phase_sign_offs := sign_off_of(p_namespace, p_phase - 1);
begin
  return criterion('phase_before', format('phase %s is signed off', p_phase - 1),
    case when v_before.sign_off_id is not null then 'met' else 'not_met' end,
    v_before.signed_at,
    case when v_before.sign_off_id is not null then sign_off_text(v_before)
      else format('nobody has signed off phase %s', p_phase - 1) end,
    jsonb_build_object('sample', v_before.sign_off_id),
    gate_command(p_namespace, 'list-sign-offs'));
end
$$;

drop function if exists unbuilt_criteria(int);

-- Returns the newest breach of a gate since p_from, which begins its time anew: a missed slot, a job that
-- stands still because a sweep or a cascade did not move it, and from phase 2 on a new pattern of failures.
-- All null when there is none.
create or replace function last_breach(
  p_namespace text, p_phase int, p_from timestamptz, out o_at timestamptz, out o_what text, out o_sample text
) language sql stable as $$
  select b.at, b.what, b.sample
  from (
    (select r.finished_at as at, format('slot %s of standing order %s was missed: %s', utc_text(r.scheduled_for),
        r.order_name, in_sentence(r.summary)) as what, r.run_id::text as sample
      from standing_order_runs r
      join standing_orders o on o.namespace = r.namespace and o.order_name = r.order_name
      where r.namespace = p_namespace
        and r.status = 'missed'
        and r.finished_at >= p_from
        and coalesce(o.phase, 1) <= p_phase
      order by r.finished_at desc
      limit 1)
    union all
    (select created_at, format('job %s stood still: %s', payload ->> 'jobId', payload ->> 'why'), payload ->> 'jobId'
      from events
      where namespace = p_namespace
        and created_at >= p_from
        and topic = 'audit.stuck_job'
        and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
        and payload ->> 'state' in ('leased', 'running', 'waiting')
      order by created_at desc
      limit 1)
    union all
    (select at, format('agent %s failed in a new way: %s', agent_id, in_sentence(pattern)), event_id::text
      from new_failure_patterns(p_namespace, p_from)
      where p_phase >= 2
      order by at desc
      limit 1)) b
  order by b.at desc
  limit 1
$$;

-- Criterion: the demanded time has passed since p_clock without a breach. p_breach is the breach that began
-- the time anew; null when the phase itself did.
create or replace function gate_clock(
  p_namespace text, p_phase int, p_clock timestamptz, p_breach text, p_sample text, p_now timestamptz
) returns jsonb language sql stable as $$
  select criterion('time_without_breach', format('this lasts for %s', in_hours(gate_time(p_phase))),
    case when p_now - p_clock >= gate_time(p_phase) then 'met' else 'not_met' end,
    p_clock,
    format('%s of %s since %s, when %s', in_hours(p_now - p_clock), in_hours(gate_time(p_phase)), utc_text(p_clock),
      coalesce(p_breach, format('phase %s was turned on', p_phase))),
    jsonb_build_object('hours', floor(extract(epoch from p_now - p_clock) / 3600), 'sample', p_sample),
    gate_command(p_namespace, 'list-standing-order-runs --status missed --from ' || utc_text(p_clock)))
$$;

-- Returns the criteria of the gate of a phase that has been on since p_from, in the order of the guide.
create or replace function gate_criteria(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_criteria jsonb := '[]';
  v_breach record;
begin
  select * into v_breach from last_breach(p_namespace, p_phase, p_from);
  if p_phase = 1 then
    v_criteria := jsonb_build_array(
      gate_jobs(p_namespace, p_phase, p_from, p_now),
      gate_orders(p_namespace, p_phase, p_from, p_now),
      gate_blocks(p_namespace, p_phase, p_from, p_now),
      gate_losses(p_namespace, p_phase, p_from, p_now),
      gate_health(p_namespace, p_phase, p_from, p_now),
      gate_dead(p_namespace, p_phase, p_from, p_now));
  elsif p_phase = 2 then
    v_criteria := jsonb_build_array(
      gate_agent_orders(p_namespace, p_phase, p_from, p_now),
      gate_agent_jobs(p_namespace, p_phase, p_from, p_now),
      gate_failures(p_namespace, p_phase, p_from, p_now));
  elsif p_phase = 3 then
    v_criteria := jsonb_build_array(
      gate_ideas(p_namespace, p_phase, p_from, p_now),
      gate_conversions(p_namespace, p_phase, p_from, p_now),
      gate_budgets(p_namespace, p_phase, p_from, p_now),
      gate_digests(p_namespace, p_phase, p_from, p_now));
  elsif p_phase = 4 then
    v_criteria := jsonb_build_array(
      gate_promotions(p_namespace, p_phase, p_from, p_now),
      gate_injections(p_namespace, p_phase, p_from, p_now),
      gate_reviews(p_namespace, p_phase, p_from, p_now));
  elsif p_phase = 5 then
    v_criteria := jsonb_build_array(
      gate_idle_budgets(p_namespace, p_phase, p_from, p_now),
      gate_vaults(p_namespace, p_phase, p_from, p_now));
  end if;
  return v_criteria
    || case when p_phase > 1 then jsonb_build_array(gate_before(p_namespace, p_phase)) else '[]' end
    || gate_clock(p_namespace, p_phase, greatest(p_from, v_breach.o_at), v_breach.o_what, v_breach.o_sample,
      p_now);
end
$$;

-- Returns the result of the gate of a phase at p_now: its status (met when every criterion is, not_met when
-- one is not, otherwise not_measured), the time that it demands, and its criteria. While the phase is off no
-- criterion is measured.
create or replace function gate_result(p_namespace text, p_phase int, p_now timestamptz default now())
returns jsonb language plpgsql stable
-- A scan looks cheap while the first match is expected early, and reads the whole table when there is none.
set enable_seqscan = off as $$
declare
  v_row phases := phase_row(p_namespace, p_phase);
  v_criteria jsonb := gate_criteria(p_namespace, p_phase, coalesce(v_row.changed_at, p_now), p_now);
begin
  if v_row.is_on is not true then
    select jsonb_agg(c || jsonb_build_object('status', 'not_measured', 'why',
      coalesce(phase_off_text(p_namespace, p_phase), 'no node has noted its phase yet')) - 'since' - 'seen'
      order by place)
    into v_criteria
    from jsonb_array_elements(v_criteria) with ordinality e (c, place);
  end if;
  return jsonb_build_object(
    'phase', p_phase,
    'name', phase_name(p_phase),
    'namespace', p_namespace,
    'status', (
      select case
        when bool_and(c ->> 'status' = 'met') then 'met'
        when bool_or(c ->> 'status' = 'not_met') then 'not_met'
        else 'not_measured' end
      from jsonb_array_elements(v_criteria) c),
    'demandedHours', floor(extract(epoch from gate_time(p_phase)) / 3600),
    'measuredAt', p_now,
    'criteria', v_criteria)
    || case when v_row.is_on then jsonb_build_object('onSince', v_row.changed_at) else '{}' end;
end
$$;

-- Returns the result of a gate as text for the command line: a heading, and for each criterion its status,
-- its sentence, why, since when, and the command that shows the rows.
create or replace function gate_report(p_gate jsonb) returns text language sql stable as $$
  select concat_ws(e'\n',
    format('gate of phase %s (%s) in namespace %s: %s', p_gate ->> 'phase', p_gate ->> 'name',
      p_gate ->> 'namespace', replace(p_gate ->> 'status', '_', ' ')),
    case when p_gate ? 'onSince' then
      format('on since %s; it must hold for %s h', utc_text((p_gate ->> 'onSince')::timestamptz),
        p_gate ->> 'demandedHours') end,
    p_gate ->> 'signOff',
    (
      select string_agg(concat_ws(e'\n  ',
          format(e'\n%s: %s (%s)', replace(c ->> 'status', '_', ' '), c ->> 'criterion', c ->> 'name'),
          c ->> 'why',
          'since ' || utc_text((c ->> 'since')::timestamptz),
          c ->> 'evidence'), e'\n' order by place)
      from jsonb_array_elements(p_gate -> 'criteria') with ordinality e (c, place)))
$$;

create or replace function phase_gate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_phase int := phase_of(p_input);
  v_sign_off phase_sign_offs := sign_off_of(v_namespace, v_phase);
  v_gate jsonb := gate_result(v_namespace, v_phase);
begin
  if v_sign_off.sign_off_id is not null then
    v_gate := v_gate || jsonb_build_object('signOff', sign_off_text(v_sign_off));
  end if;
  return v_gate || jsonb_build_object('report', gate_report(v_gate));
end
$$;
comment on function phase_gate(jsonb, jsonb) is
  'The operation phaseGate: the gate of a phase, criterion by criterion, computed from the ledger: met, not_met or not_measured, since when, why, and the command that shows the rows. Changes nothing. Refuses a phase that does not exist (422).';
