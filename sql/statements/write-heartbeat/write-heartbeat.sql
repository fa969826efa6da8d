select dispatcher_heartbeat(:#dispatcher, :#heartbeat::jsonb)::text
