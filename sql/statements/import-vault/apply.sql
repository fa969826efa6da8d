select apply_vault_import(?::jsonb, ?::jsonb)
