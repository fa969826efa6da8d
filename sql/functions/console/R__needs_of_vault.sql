-- The sources of needs-me about vaults: notes that people have edited, exports that fail, and folders that
-- differ from the database. What resolves them works on files, so the items name commands and have no action.

-- Returns the notes that people have edited and nobody has imported, one item for each vault.
create or replace function needs_vault_edits(p_vaults vaults[])
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'vault_edited/' || v.vault_id,
    'vault_edited',
    e.since,
    needs_item(
      format('People have edited %s of the vault %s: %s.', count_of(e.notes, 'note', 'notes'),
        in_sentence(v.directory), e.paths),
      'The edits stay in the folder, and no agent learns of them. The command agentbus import-vault shows what '
        'each would do; a newer text of the bus stands beside its note as *.conflict.md.',
      jsonb_build_object('vaultId', v.vault_id, 'count', e.notes))
  from unnest(p_vaults) v
  cross join lateral edited_notes(v.vault_id) e
$$;

-- Returns the vaults whose last export has failed.
create or replace function needs_vault_exports(p_vaults vaults[])
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'vault_failed/' || v.vault_id,
    'vault_failed',
    v.export_failed_at,
    needs_item(
      format('The export of the vault %s has failed: %s.', in_sentence(v.directory), in_sentence(v.export_error)),
      coalesce(format('Its notes show the bus as of %s.', utc_text(v.exported_at)), 'It has no whole set of notes.')
        || ' The next export tries again.',
      jsonb_build_object('vaultId', v.vault_id))
  from unnest(p_vaults) v
  where v.export_error is not null
$$;

-- Returns the vaults that differed from the database at their last verification, with the first difference.
create or replace function needs_vault_differences(p_vaults vaults[])
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'vault_diverged/' || v.vault_id,
    'vault_diverged',
    v.verified_at,
    needs_item(
      format('The vault %s differs from the database in %s%s.', in_sentence(v.directory),
        count_of(v.differences, 'place', 'places'),
        coalesce(format('; the first is "%s": %s', v.difference_list #>> '{0,path}',
          in_sentence(v.difference_list #>> '{0,text}')), '')),
      'Readers of the folder may be told what no longer holds. The command agentbus verify-vault lists every '
        'difference.',
      jsonb_build_object('vaultId', v.vault_id, 'count', v.differences))
  from unnest(p_vaults) v
  where v.differences > 0
$$;

-- Returns the items of all sources about the vaults in use.
create or replace function needs_vaults(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language plpgsql stable as $$
declare
  v_vaults vaults[] := array(select v from vaults v where namespace = p_namespace and vault_in_use(v));
begin
  if v_vaults = '{}' then
    return;
  end if;
  return query
    select * from needs_vault_edits(v_vaults)
    union all
    select * from needs_vault_exports(v_vaults)
    union all
    select * from needs_vault_differences(v_vaults);
end
$$;
