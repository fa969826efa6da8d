select vault_reports(?)::text
