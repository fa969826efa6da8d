select vault_entries(?, ?)::text
