select vault_agents(?)::text
