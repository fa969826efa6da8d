select row::text from vault_ideas(?, ?::uuid[]) row
