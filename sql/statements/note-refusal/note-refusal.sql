select note_refusal(:#who::jsonb, :#operation, :#problem::jsonb)::text
