select forget_vault_notes(?::uuid, ?::jsonb)::text
