-- The folders of Markdown that the bus writes, and what it knows of each note in them. The Java package
-- agentbus.vault writes the files; these functions keep the rows. See docs/guide/vault.md.

-- Returns a vault as the program reads it.
create or replace function vault_json(p_vault vaults) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'vaultId', (p_vault).vault_id,
    'namespace', (p_vault).namespace,
    'directory', (p_vault).directory,
    'visibility', (p_vault).visibility,
    'exportedAt', (p_vault).exported_at,
    'notes', (p_vault).notes))
$$;

drop function if exists require_vault_namespace(text);
drop function if exists begin_vault_export(jsonb, uuid, text, text);

-- Begins an export, with p_visibility, or without it an import or a verification, which changes no row:
-- takes the lock of the vault until the session ends, and returns its row. p_vault_id is what the marker of
-- the folder says. A folder without a marker gets a new row, or that of an export that could not write the
-- marker. Refuses a marker that names no vault of this database or one of another namespace (422), and a
-- vault that another process exports at this moment (409).
create or replace function begin_vault_export(
  p_principal jsonb, p_vault_id uuid, p_namespace text, p_directory text, p_visibility text
) returns jsonb
language plpgsql as $$
declare
  v_vault vaults;
begin
  perform namespace_of(p_principal, jsonb_build_object('namespace', p_namespace));
  perform act_as(p_principal, 'vault exported');
  if p_vault_id is null then
    select * into v_vault
    from vaults v
    where namespace = p_namespace
      and directory = p_directory
      and exported_at is null
      and not exists (select from vault_notes n where n.vault_id = v.vault_id)
    order by created_at
    limit 1;
    if not found then
      insert into vaults (namespace, directory) values (p_namespace, p_directory) returning * into v_vault;
    end if;
  else
    select * into v_vault from vaults where vault_id = p_vault_id;
    if not found then
      perform refuse(422, 'invalid_field',
        format('%s belongs to the vault %s, which this database does not know: another bus writes it', p_directory,
          p_vault_id), 'directory', to_jsonb(p_directory), 'an empty folder, or a vault of this bus');
    end if;
    if v_vault.namespace <> p_namespace then
      perform refuse(422, 'invalid_field',
        format('%s is the vault of namespace %s', p_directory, v_vault.namespace), 'namespace',
        to_jsonb(p_namespace), v_vault.namespace || ', or another folder');
    end if;
  end if;
  if not pg_try_advisory_lock(hashtextextended('agentbus.vault.' || v_vault.vault_id, 0)) then
    perform refuse(409, 'wrong_state', format('another process writes the vault in %s at this moment', p_directory),
      'directory', to_jsonb(p_directory), 'one export at a time; try again when it has ended');
  end if;
  if p_visibility is not null then
    update vaults
    set directory = p_directory,
      visibility = case when visibility = 'role' then visibility else p_visibility end
    where vault_id = v_vault.vault_id
      and (directory <> p_directory or visibility is null or visibility <> 'role' and p_visibility = 'role');
    select * into v_vault from vaults where vault_id = v_vault.vault_id;
  end if;
  return vault_json(v_vault);
end
$$;

-- Returns the notes of a vault as the last export left them.
create or replace function vault_notes_of(p_vault_id uuid) returns setof jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'kind', kind,
    'rowId', row_id,
    'path', path,
    'contentHash', content_hash,
    'editedHash', edited_hash,
    'conflictPath', conflict_path,
    'tombstone', tombstone_at is not null,
    'inputHash', input_hash))
  from vault_notes
  where vault_id = p_vault_id
  order by kind, row_id
$$;

-- Keeps notes that were written or have changed their state: objects with kind, rowId, path, contentHash and
-- tombstone, inputHash when there is one, and for an edited note editedHash and, when there is one,
-- conflictPath. edited_at and tombstone_at keep the time of the first look that found it so.
create or replace function keep_vault_notes(p_vault_id uuid, p_notes jsonb) returns void
language sql as $$
  insert into vault_notes as n
    (vault_id, kind, row_id, path, content_hash, edited_hash, edited_at, conflict_path, tombstone_at,
      input_hash)
  select p_vault_id, note ->> 'kind', note ->> 'rowId', note ->> 'path', note ->> 'contentHash',
    note ->> 'editedHash', case when note ? 'editedHash' then now() end, note ->> 'conflictPath',
    case when (note ->> 'tombstone')::boolean then now() end, note ->> 'inputHash'
  from jsonb_array_elements(p_notes) note
  on conflict (vault_id, kind, row_id) do update
  set version = n.version + (n.content_hash <> excluded.content_hash)::int,
    content_hash = excluded.content_hash,
    edited_hash = excluded.edited_hash,
    edited_at = case when excluded.edited_at is not null then coalesce(n.edited_at, excluded.edited_at) end,
    conflict_path = excluded.conflict_path,
    tombstone_at = case
      when excluded.tombstone_at is not null then coalesce(n.tombstone_at, excluded.tombstone_at) end,
    input_hash = excluded.input_hash,
    updated_at = now()
$$;

-- Forgets notes whose file a person has deleted and whose row is gone: objects with kind and rowId. The
-- export has seen both, so nothing is left to show, whether it had made a tombstone before or not.
create or replace function forget_vault_notes(p_vault_id uuid, p_notes jsonb) returns void
language sql as $$
  delete from vault_notes n
  using jsonb_array_elements(p_notes) gone
  where n.vault_id = p_vault_id
    and n.kind = gone ->> 'kind'
    and n.row_id = gone ->> 'rowId'
$$;

drop function if exists end_vault_export(jsonb, uuid, real, int);

-- Notes the end of an export that has written everything with p_visibility: how long it took and how many
-- notes it wrote.
create or replace function end_vault_export(
  p_principal jsonb, p_vault_id uuid, p_visibility text, p_seconds real, p_written int
) returns jsonb
language plpgsql as $$
declare
  v_vault vaults;
begin
  perform act_as(p_principal, 'vault exported');
  update vaults
  set exported_at = now(),
    visibility = p_visibility,
    export_seconds = p_seconds,
    notes = (select count(*) from vault_notes where vault_id = p_vault_id),
    tombstones = (select count(*) from vault_notes where vault_id = p_vault_id and tombstone_at is not null),
    written = p_written,
    export_error = null,
    updated_at = now()
  where vault_id = p_vault_id
  returning * into v_vault;
  return vault_json(v_vault);
end
$$;

-- Notes that an export has failed, and why. The notes that it has written are kept as they are; the next
-- export goes on from them.
create or replace function fail_vault_export(p_principal jsonb, p_vault_id uuid, p_error text) returns void
language plpgsql as $$
begin
  perform act_as(p_principal, 'vault export failed');
  update vaults
  set export_error = one_line(p_error, 500),
    export_failed_at = now(),
    updated_at = now()
  where vault_id = p_vault_id;
end
$$;

-- Notes that the nightly export into a folder has failed, also when it could not begin: in the row of the
-- vault that was written there last, or in a new row, which the first export that begins there takes over.
create or replace function fail_nightly_vault(
  p_principal jsonb, p_namespace text, p_directory text, p_error text
) returns void
language plpgsql as $$
declare
  v_vault_id uuid;
begin
  perform namespace_of(p_principal, jsonb_build_object('namespace', p_namespace));
  perform act_as(p_principal, 'vault export failed');
  select vault_id into v_vault_id
  from vaults
  where namespace = p_namespace and directory = p_directory
  order by greatest(exported_at, export_failed_at) desc nulls last, created_at desc
  limit 1;
  if not found then
    insert into vaults (namespace, directory) values (p_namespace, p_directory)
    returning vault_id into v_vault_id;
  end if;
  perform fail_vault_export(p_principal, v_vault_id, p_error);
end
$$;
