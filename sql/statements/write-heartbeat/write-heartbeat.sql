select dispatcher_beat(:#dispatcher, :#beat::jsonb)::text
