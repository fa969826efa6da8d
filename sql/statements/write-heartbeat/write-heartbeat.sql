select dispatcher_beat(:#dispatcher, :#heartbeat::jsonb)::text
