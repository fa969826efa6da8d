select begin_vault_export(?::jsonb, ?::uuid, ?, ?, ?)::text
