select vault_ideas(?)::text
