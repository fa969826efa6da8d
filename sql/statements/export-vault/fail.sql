select fail_vault_export(?::jsonb, ?::uuid, ?)::text
