select digest::text from vault_opportunity_digests(?) digest
