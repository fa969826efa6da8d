select note_zone_data(?, ?, ?::jsonb)
