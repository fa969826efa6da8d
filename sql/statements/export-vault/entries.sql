select entry::text from vault_entries(?, ?) entry
