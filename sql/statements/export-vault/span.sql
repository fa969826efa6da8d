select vault_span(?)::text
