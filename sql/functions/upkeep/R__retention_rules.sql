-- Retention by rule: the migration that creates a table adds a row to retention_rules, and these functions
-- retire its old rows. Jobs, slots, events and audit rows have their own functions (R__retention.sql),
-- because their rows refer to each other.

-- Returns the rule that follows the table p_after by name (null: the first rule); all null when there is
-- none.
create or replace function next_retention_rule(p_after text default null) returns retention_rules
language sql stable as $$
  select *
  from retention_rules
  where p_after is null or table_name > p_after
  order by table_name
  limit 1
$$;

-- Returns the type of a table's column, for a cast; null when there is no such column.
create or replace function column_type(p_table regclass, p_column text) returns text
language sql stable as $$
  select format_type(atttypid, atttypmod)
  from pg_attribute
  where attrelid = p_table and attname = p_column and not attisdropped
$$;

-- Deletes the rows whose column p_key has one of the values p_keys. Returns how many, by namespace.
create or replace function remove_rows(p_table regclass, p_key text, p_keys text[]) returns jsonb
language plpgsql as $$
declare
  v_removed jsonb;
begin
  execute format(
    'with gone as (delete from %1$s where %2$I = any ($1::%3$s[]) returning namespace),
      counted as (select namespace, count(*) as removed from gone group by namespace)
    select coalesce(jsonb_object_agg(namespace, removed), ''{}'') from counted',
    p_table, p_key, column_type(p_table, p_key))
    into v_removed
    using p_keys;
  return v_removed;
end
$$;

-- Moves or deletes one batch of the rows of one table that were over before p_before or, if the rule has
-- keep_days, for more days than that. Rows that another call has locked are skipped.
-- Returns the answer of end_batch. After a full batch next is the same table, otherwise the next table, and
-- null after the last.
create or replace function retire_by_rule(p_before timestamptz, p_limit int, p_place jsonb) returns jsonb
language plpgsql as $$
declare
  v_after text := p_place ->> 'after';
  v_rule retention_rules := next_retention_rule(v_after);
  v_table regclass := v_rule.table_name::regclass;
  v_keys text[];
  v_moved jsonb := '{}';
begin
  if v_table is null then
    return jsonb_build_object('moved', 0, 'next', null);
  end if;
  execute format(
    'select array_agg(key) from (
      select %1$I::text as key from %2$s where %3$I < $1 order by %3$I limit $2 for update skip locked) old',
    v_rule.key_column, v_table, v_rule.over_column)
    into v_keys
    using coalesce(now() - make_interval(days => v_rule.keep_days), p_before), p_limit;
  if cardinality(v_keys) > 0 then
    v_moved := case v_rule.way
      when 'moved' then move_rows(v_table, (v_rule.table_name || '_history')::regclass, v_rule.key_column,
        column_type(v_table, v_rule.key_column), v_keys)
      else remove_rows(v_table, v_rule.key_column, v_keys) end;
  end if;
  return end_batch(v_rule.table_name, v_moved, case
    when cardinality(v_keys) = p_limit then jsonb_build_object('part', 'rules', 'after', v_after)
    when (next_retention_rule(v_rule.table_name)).table_name is not null then
      jsonb_build_object('part', 'rules', 'after', v_rule.table_name) end);
end
$$;
