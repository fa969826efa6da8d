select enqueue_job(:#principal::jsonb, :#input::jsonb)::text
