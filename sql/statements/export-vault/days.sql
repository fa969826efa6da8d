select vault_days(?, ?::date[])::text
