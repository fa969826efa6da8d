-- Reports: the operations on them, and how the order of the publisher gets one. A report of a kind is
-- composed once for a period and its text never changes; a repeated call answers with the same row.

-- Returns a report as the contract shows it.
create or replace function report_json(p_report reports) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'reportId', (p_report).report_id,
    'seq', (p_report).seq,
    'namespace', (p_report).namespace,
    'kind', (p_report).kind,
    'from', (p_report).period_from,
    'to', (p_report).period_to,
    'words', (p_report).words,
    'items', (p_report).items,
    'leftOut', (p_report).left_out,
    'jobId', (p_report).job_id,
    'createdBy', (p_report).created_by,
    'createdAt', (p_report).created_at))
$$;

-- Returns a report with its text and sources.
create or replace function whole_report(p_report reports) returns jsonb language sql stable as $$
  select report_json(p_report) || jsonb_build_object(
    'markdown', (p_report).markdown,
    'sources', (p_report).sources)
$$;

-- Returns how long the period of a kind of report is.
create or replace function report_period(p_kind text) returns interval language sql immutable as $$
  select case when p_kind in ('daily_digest', 'ideas_digest') then interval '1 day' else interval '7 days' end
$$;

-- Returns the report of a kind for a period, all null when there is none yet.
create or replace function report_of_period(
  p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz
) returns reports language sql stable as $$
  select * from reports
  where namespace = p_namespace and kind = p_kind and period_from = p_from and period_to = p_to
$$;

-- Returns the row of a new report, which is not yet in the table.
create or replace function new_report(p_namespace text, p_kind text, p_from timestamptz, p_to timestamptz)
returns reports language plpgsql stable as $$
declare
  v_composed jsonb := composed_report(p_namespace, p_kind, p_from, p_to);
  v_report reports;
begin
  v_report.report_id := new_id();
  v_report.namespace := p_namespace;
  v_report.kind := p_kind;
  v_report.period_from := p_from;
  v_report.period_to := p_to;
  v_report.markdown := v_composed ->> 'markdown';
  v_report.words := (v_composed ->> 'words')::int;
  v_report.items := (v_composed ->> 'items')::int;
  v_report.sources := v_composed -> 'sources';
  v_report.left_out := v_composed -> 'leftOut';
  return v_report;
end
$$;

-- Returns whether a report went to a job that has told it or still may: one that succeeded or goes on, or of
-- which history has no row any more.
create or replace function was_handed(p_report reports) returns boolean language sql stable as $$
  select (p_report).job_id is not null and job_hit((p_report).job_id) is distinct from false
$$;

-- Writes a new report, for p_job if that is given, and emits digest.composed. When the period has a report
-- that no job got, p_job gets that one. Does nothing when p_report is null.
create or replace function keep_report(p_report reports, p_job uuid) returns void
language plpgsql as $$
begin
  if p_report.report_id is null then
    return;
  end if;
  insert into reports (report_id, namespace, kind, period_from, period_to, markdown, words, items, sources,
    left_out, job_id, created_by)
  values (p_report.report_id, p_report.namespace, p_report.kind, p_report.period_from, p_report.period_to,
    p_report.markdown, p_report.words, p_report.items, p_report.sources, p_report.left_out, p_job,
    current_actor())
  on conflict do nothing;
  if found then
    perform append_event(p_report.namespace, 'digest.composed', null, p_job, jsonb_build_object(
      'reportId', p_report.report_id, 'kind', p_report.kind, 'from', p_report.period_from, 'to', p_report.period_to,
      'words', p_report.words, 'items', p_report.items, 'leftOut', p_report.left_out));
  elsif p_job is not null then
    update reports
    set job_id = p_job
    where namespace = p_report.namespace
      and kind = p_report.kind
      and period_from = p_report.period_from
      and period_to = p_report.period_to
      and job_id is null;
  end if;
end
$$;

-- Returns from when a report of an order tells: a whole period before p_to, or where the last report of a job
-- ended, if that is longer ago; where it began, if its job told nobody. So no time falls between two reports,
-- up to report_reach periods.
create or replace function report_from(p_namespace text, p_kind text, p_to timestamptz) returns timestamptz
language sql stable as $$
  select greatest(
    least(p_to - report_period(p_kind), (
      select case when was_handed(r) then period_to else period_from end
      from reports r
      where namespace = p_namespace
        and kind = p_kind
        and job_id is not null
        and period_to < p_to
      order by period_to desc
      limit 1)),
    p_to - report_reach() * report_period(p_kind))
$$;

-- Returns the report for the slot of an order; all null for an order without one. When the report cannot be
-- composed, the answer is null too, so that the order still runs, and digest.failed is emitted.
create or replace function report_of_slot(p_order standing_orders, p_slot standing_order_runs) returns reports
language plpgsql as $$
declare
  v_from timestamptz;
  v_report reports;
begin
  if p_order.report is null then
    return null;
  end if;
  v_from := report_from(p_order.namespace, p_order.report, p_slot.scheduled_for);
  v_report := report_of_period(p_order.namespace, p_order.report, v_from, p_slot.scheduled_for);
  if v_report.report_id is null then
    v_report := new_report(p_order.namespace, p_order.report, v_from, p_slot.scheduled_for);
  end if;
  return v_report;
exception when others then
  perform append_event(p_order.namespace, 'digest.failed', null, null, jsonb_build_object(
    'order', p_order.order_name, 'kind', p_order.report, 'slot', p_slot.scheduled_for, 'error', sqlerrm));
  return null;
end
$$;

-- Returns the part of a report that a job of the publisher gets in its payload: {} for no report, otherwise
-- the field report.
create or replace function report_payload(p_report reports) returns jsonb language sql stable as $$
  select case when (p_report).report_id is null then '{}' else jsonb_build_object('report', jsonb_build_object(
    'reportId', (p_report).report_id,
    'kind', (p_report).kind,
    'from', (p_report).period_from,
    'to', (p_report).period_to,
    'words', (p_report).words,
    'items', (p_report).items,
    'leftOut', (p_report).left_out,
    'markdown', (p_report).markdown)) end
$$;

create or replace function compose_report(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_kind text := p_input ->> 'kind';
  -- A whole minute, so that a repeated call finds the report of the first.
  v_to timestamptz := coalesce((p_input ->> 'to')::timestamptz, date_trunc('minute', now()));
  v_from timestamptz := coalesce((p_input ->> 'from')::timestamptz, v_to - report_period(v_kind));
  v_report reports;
begin
  if is_agent(p_principal) and p_principal ->> 'name' <> 'publisher' then
    perform refuse(403, 'forbidden', format('agent %s may not compose reports', p_principal ->> 'name'), 'token',
      p_principal -> 'name', 'an operator or the agent publisher; every agent may read reports');
  end if;
  if v_kind in ('ideas_digest', 'weekly_bets') then
    perform refuse_phase(v_namespace, 3, 'kind');
  end if;
  if v_to > now() then
    perform refuse(422, 'invalid_field', format('the period ends at %s, which is to come', utc_text(v_to)),
      'to', to_jsonb(v_to), 'a time that is not after ' || utc_text(now()));
  end if;
  if v_from >= v_to or v_from < v_to - longest_window() then
    perform refuse(422, 'invalid_field', format('the period would be from %s to %s', utc_text(v_from), utc_text(v_to)),
      'from', to_jsonb(v_from), 'a time before to, at most 31 days');
  end if;
  perform act_as(p_principal, coalesce(p_input ->> 'reason', 'report composed'));
  v_report := report_of_period(v_namespace, v_kind, v_from, v_to);
  if v_report.report_id is null then
    perform keep_report(new_report(v_namespace, v_kind, v_from, v_to), null);
    v_report := report_of_period(v_namespace, v_kind, v_from, v_to);
  end if;
  return whole_report(v_report);
end
$$;
comment on function compose_report(jsonb, jsonb) is
  'The operation composeReport: the report of a kind for a period, composed at the first call and the same ever after. Without to the period ends with the last whole minute, and without from it is a day or a week long. Refuses agents other than publisher (403), a kind of a phase that is off (409) and a wrong period (422).';

create or replace function list_reports(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_rows jsonb;
begin
  select coalesce(jsonb_agg(report_json(r) order by r.seq desc), '[]') into v_rows
  from (
    select *
    from reports
    where namespace = v_namespace
      and (p_input ->> 'kind' is null or kind = p_input ->> 'kind')
      and seq < coalesce((p_input ->> 'before')::bigint, 9223372036854775807)
    order by seq desc
    limit v_limit) r;
  return jsonb_build_object('reports', v_rows)
    || case when jsonb_array_length(v_rows) = v_limit
      then jsonb_build_object('next', v_rows -> (v_limit - 1) -> 'seq') else '{}' end;
end
$$;
comment on function list_reports(jsonb, jsonb) is
  'The operation listReports: reports without their texts, newest first, at most limit (default 50); next of the answer is before of the following page.';

create or replace function get_report(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_report reports;
begin
  select * into v_report
  from reports
  where report_id = (p_input ->> 'reportId')::uuid and namespace = v_namespace;
  if not found then
    perform refuse(404, 'unknown_report',
      format('there is no report %s in namespace %s', p_input ->> 'reportId', v_namespace),
      'reportId', p_input -> 'reportId', 'the id of a report that list-reports shows');
  end if;
  return whole_report(v_report);
end
$$;
comment on function get_report(jsonb, jsonb) is
  'The operation getReport: one report with its text and sources. Refuses an unknown id (404).';
