-- What the verification of a vault has found, and the numbers of vaults for health, needs-me and the metrics.

-- Returns whether a vault is in use: an export into its folder has ended, well or not, within
-- vault_is_left_after, and none of another vault in the same place has ended since. A rebuild makes another
-- one, and so does a night on which the disk of the folder was not there.
create or replace function vault_in_use(p_vault vaults) returns boolean
language sql stable as $$
  select greatest((p_vault).exported_at, (p_vault).export_failed_at) > now() - vault_is_left_after()
    and not exists (
      select
      from vaults n
      where n.namespace = (p_vault).namespace
        and n.directory = (p_vault).directory
        and greatest(n.exported_at, n.export_failed_at)
          > greatest((p_vault).exported_at, (p_vault).export_failed_at))
$$;

-- Keeps what a verification has found, and returns the row of the vault as the contract shows it. p_found has
-- differences, a list of objects with path, kind and text. Notes that people have edited (kind edited) are in
-- the list and not in the number, because an edit is no fault of the vault.
create or replace function record_vault_verification(p_principal jsonb, p_vault_id uuid, p_found jsonb)
returns jsonb
language plpgsql as $$
declare
  v_list jsonb := p_found -> 'differences';
  v_vault vaults;
begin
  perform require_principal(p_principal);
  perform act_as(p_principal, 'vault verified');
  update vaults
  set verified_at = now(),
    differences = (
      select count(*) from jsonb_array_elements(v_list) d where d ->> 'kind' <> 'edited'),
    difference_list = coalesce((
      select jsonb_agg(entry order by entry ->> 'kind' = 'edited', place)
      from (
        select entry, place
        from jsonb_array_elements(v_list) with ordinality d (entry, place)
        order by entry ->> 'kind' = 'edited', place
        limit vault_differences_kept()) kept), '[]'),
    updated_at = now()
  where vault_id = p_vault_id
  returning * into v_vault;
  return camel_keys(to_jsonb(v_vault));
end
$$;

-- Returns the notes of a vault that a person has edited: how many, since when, and the first paths as the end
-- of a sentence. No row when there is none.
create or replace function edited_notes(p_vault_id uuid)
returns table (notes bigint, since timestamptz, paths text) language sql stable as $$
  select count(*), min(edited_at),
    string_agg(format('"%s"', path), ', ' order by edited_at, path) filter (where place <= vault_paths_shown())
      || case when count(*) > vault_paths_shown()
        then format(' and %s more', count(*) - vault_paths_shown()) else '' end
  from (
    select path, edited_at, row_number() over (order by edited_at, path) as place
    from vault_notes
    where vault_id = p_vault_id and edited_hash is not null) e
  having count(*) > 0
$$;
