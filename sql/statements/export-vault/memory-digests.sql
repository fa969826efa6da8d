select digest::text from vault_memory_digests(?, ?) digest
