select record_vault_verification(?::jsonb, ?::uuid, ?::jsonb)::text
