select fail_nightly_vault(?::jsonb, ?, ?, ?)::text
