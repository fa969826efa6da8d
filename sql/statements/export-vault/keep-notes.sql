select keep_vault_notes(?::uuid, ?::jsonb)::text
