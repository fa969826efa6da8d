-- The operation listVaults.

-- Returns a vault as the contract shows it, with the notes that people have edited, the oldest edit first.
create or replace function vault_shown(p_vault vaults) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(camel_keys(to_jsonb(p_vault)))
    || jsonb_build_object(
      'edited', (
        select count(*)
        from vault_notes
        where vault_id = (p_vault).vault_id and edited_hash is not null),
      'editedNotes', (
        select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'path', path, 'kind', kind, 'rowId', row_id, 'editedAt', edited_at, 'conflictPath', conflict_path))
          order by edited_at, path), '[]')
        from (
          select *
          from vault_notes
          where vault_id = (p_vault).vault_id and edited_hash is not null
          order by edited_at, path
          limit edited_notes_shown()) e))
$$;

create or replace function list_vaults(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('vaults', (
    select coalesce(jsonb_agg(vault_shown(v) order by v.exported_at desc nulls last, v.vault_id), '[]')
    from vaults v
    where v.namespace = v_namespace));
end
$$;
comment on function list_vaults(jsonb, jsonb) is
  'The operation listVaults: the vaults of a namespace, the one that was exported last first, each with its last export, its last verification and the first edited_notes_shown() notes that people have edited. Changes nothing.';
