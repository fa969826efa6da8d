select vault_memory_text(?::uuid)::text
