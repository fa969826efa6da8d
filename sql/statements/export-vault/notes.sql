select vault_notes_of(?::uuid)::text
