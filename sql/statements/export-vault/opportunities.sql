select vault_opportunities(?)::text
