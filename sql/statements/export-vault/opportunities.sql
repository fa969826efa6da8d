select row::text from vault_opportunities(?, ?::uuid[]) row
