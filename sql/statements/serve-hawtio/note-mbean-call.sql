select note_mbean_call(?::jsonb, ?, ?::jsonb) as action
