select end_vault_export(?::jsonb, ?::uuid, ?, ?::real, ?)::text
