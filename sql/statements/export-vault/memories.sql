select row::text from vault_memories(?, ?, ?::uuid[]) row
