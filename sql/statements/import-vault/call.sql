select vault_import_call(?::jsonb, ?::uuid, ?::jsonb)::text
