select digest::text from vault_idea_digests(?) digest
