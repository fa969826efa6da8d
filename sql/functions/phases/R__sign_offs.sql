-- The sign-offs of people that the gate of a phase holds: written with the result of the gate, listed, and
-- withdrawn.

-- Returns the phase that the input names. Refuses a phase that does not exist (422).
create or replace function phase_of(p_input jsonb) returns int language plpgsql stable as $$
begin
  perform require_phase(p_input ->> 'phase', 'phase');
  return (p_input ->> 'phase')::int;
end
$$;

-- Returns the sign-off in force of a phase; all null when there is none.
create or replace function sign_off_of(p_namespace text, p_phase int) returns phase_sign_offs
language plpgsql stable as $$
declare
  v_sign_off phase_sign_offs;
begin
  select * into v_sign_off
  from phase_sign_offs
  where namespace = p_namespace
    and phase = p_phase
    and withdrawn_at is null;
  return v_sign_off;
end
$$;

-- Returns the lowest phase below the highest one that is on which nobody has signed off; null when there is
-- none.
create or replace function unsigned_phase(p_namespace text) returns int language sql stable as $$
  select min(phase)
  from generate_series(1, highest_phase(p_namespace) - 1) phase
  where (sign_off_of(p_namespace, phase)).sign_off_id is null
$$;

-- Returns a sign-off as the contract shows it, without the result of the gate.
create or replace function sign_off_json(p_sign_off phase_sign_offs) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'signOffId', (p_sign_off).sign_off_id,
    'namespace', (p_sign_off).namespace,
    'phase', (p_sign_off).phase,
    'person', (p_sign_off).person,
    'reason', (p_sign_off).reason,
    'gateStatus', (p_sign_off).gate ->> 'status',
    'despite', (p_sign_off).despite,
    'gateHash', encode((p_sign_off).gate_hash, 'hex'),
    'signedBy', (p_sign_off).signed_by,
    'signedAt', (p_sign_off).signed_at,
    'withdrawnAt', (p_sign_off).withdrawn_at,
    'withdrawnBy', (p_sign_off).withdrawn_by,
    'withdrawReason', (p_sign_off).withdraw_reason))
$$;

-- Describes in words who signed off a phase, when, and despite what.
create or replace function sign_off_text(p_sign_off phase_sign_offs) returns text language sql stable as $$
  select format('phase %s was signed off by %s (%s) at %s%s', (p_sign_off).phase, (p_sign_off).person,
    (p_sign_off).signed_by, utc_text((p_sign_off).signed_at),
    coalesce(', although its gate was not met: ' || (p_sign_off).despite, ': ' || (p_sign_off).reason))
$$;

-- Returns the criteria of a gate that are not met, each with its reason, as one text.
create or replace function gate_lacks(p_gate jsonb) returns text language sql stable as $$
  select string_agg(format('%s (%s: %s)', c ->> 'name', replace(c ->> 'status', '_', ' '), c ->> 'why'), '; '
    order by place)
  from jsonb_array_elements(p_gate -> 'criteria') with ordinality e (c, place)
  where c ->> 'status' <> 'met'
$$;

create or replace function sign_off_phase(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_phase int := phase_of(p_input);
  v_gate jsonb;
  v_met boolean;
  v_sign_off phase_sign_offs;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  perform pg_advisory_xact_lock(hashtextextended('agentbus.phases', 0));
  v_sign_off := sign_off_of(v_namespace, v_phase);
  if v_sign_off.sign_off_id is not null then
    if (v_sign_off.person, v_sign_off.reason) is distinct from (p_input ->> 'person', p_input ->> 'reason')
      -- A gate that was met needed no despite, so none was kept.
      or v_sign_off.despite is not null and v_sign_off.despite is distinct from p_input ->> 'despite' then
      perform refuse(409, 'wrong_state', sign_off_text(v_sign_off), 'phase', to_jsonb(v_phase),
        'a phase without a sign-off; withdraw-sign-off takes this one back');
    end if;
    return sign_off_json(v_sign_off) || '{"changed": false}';
  end if;
  v_gate := gate_result(v_namespace, v_phase);
  v_met := v_gate ->> 'status' = 'met';
  if not v_met and p_input ->> 'despite' is null then
    perform refuse(409, 'gate_not_met',
      format('the gate of phase %s does not hold: %s', v_phase, gate_lacks(v_gate)), 'phase', to_jsonb(v_phase),
      'a gate whose criteria are all met (phase-gate), or despite with the reason to go on without');
  end if;
  insert into phase_sign_offs (namespace, phase, person, reason, despite, gate, gate_hash, signed_by)
  values (v_namespace, v_phase, p_input ->> 'person', p_input ->> 'reason',
    case when not v_met then p_input ->> 'despite' end,
    v_gate, sha256(convert_to(v_gate::text, 'UTF8')), current_actor())
  returning * into v_sign_off;
  return sign_off_json(v_sign_off) || '{"changed": true}';
end
$$;
comment on function sign_off_phase(jsonb, jsonb) is
  'The operation signOffPhase: records that a person lets the rollout go on after a phase, with the result of its gate and the hash of it. Refused (409, gate_not_met) while a criterion is not met, unless despite gives a reason. Takes phase, person, reason and despite; returns the sign-off with changed.';

create or replace function withdraw_sign_off(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_phase int := phase_of(p_input);
  v_sign_off phase_sign_offs;
  v_changed boolean;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  update phase_sign_offs
  set withdrawn_at = now(),
    withdrawn_by = current_actor(),
    withdraw_reason = p_input ->> 'reason',
    updated_at = now()
  where namespace = v_namespace
    and phase = v_phase
    and withdrawn_at is null
  returning * into v_sign_off;
  v_changed := found;
  if not v_changed then
    select * into v_sign_off
    from phase_sign_offs
    where namespace = v_namespace and phase = v_phase
    order by withdrawn_at desc
    limit 1;
    if not found then
      perform refuse(409, 'wrong_state',
        format('nobody has signed off phase %s in namespace %s', v_phase, v_namespace), 'phase', to_jsonb(v_phase),
        'a phase with a sign-off (list-phases)');
    end if;
  end if;
  return sign_off_json(v_sign_off) || jsonb_build_object('changed', v_changed);
end
$$;
comment on function withdraw_sign_off(jsonb, jsonb) is
  'The operation withdrawSignOff: takes the sign-off of a phase back; the row stays with who withdrew it, when and why. Takes phase and reason; returns the sign-off with changed.';

create or replace function list_sign_offs(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('signOffs', (
    select coalesce(jsonb_agg(
      sign_off_json(s) || case when (p_input ->> 'includeGate')::boolean then jsonb_build_object('gate', s.gate)
        else '{}' end
      order by s.signed_at desc, s.sign_off_id), '[]')
    from (
      select *
      from phase_sign_offs
      where namespace = v_namespace
        and (p_input ->> 'phase' is null or phase = phase_of(p_input))
      order by signed_at desc, sign_off_id
      limit coalesce((p_input ->> 'limit')::int, 50)) s));
end
$$;
comment on function list_sign_offs(jsonb, jsonb) is
  'The operation listSignOffs: the sign-offs of a namespace, newest first, the withdrawn ones too; with includeGate each has the result of the gate that it rests on.';

create or replace function list_phases(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('phases', (
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'phase', n.phase,
      'name', phase_name(n.phase),
      'isOn', p.is_on,
      'since', p.changed_at,
      'by', p.changed_by,
      'frozen', f.reason,
      'signedOffBy', s.person,
      'signedOffAt', s.signed_at,
      'despite', s.despite)) order by n.phase)
    from generate_series(1, 5) n (phase)
    cross join lateral phase_row(v_namespace, n.phase) p
    cross join lateral freeze_of(v_namespace, 'phase', n.phase::text) f
    cross join lateral sign_off_of(v_namespace, n.phase) s));
end
$$;
comment on function list_phases(jsonb, jsonb) is
  'The operation listPhases: the five phases, whether each is on, since when and by which node, and who signed it off. isOn is absent as long as no node has noted its phase.';
