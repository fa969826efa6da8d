select vault_weeks(?, ?::date[])::text
