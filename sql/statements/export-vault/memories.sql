select vault_memories(?, ?)::text
