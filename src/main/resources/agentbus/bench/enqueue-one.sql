select enqueue_job(
  '{"kind": "operator", "name": "bench"}',
  jsonb_build_object(
    'targetAgent', ?::text,
    'subject', 'bench.work',
    'payload', jsonb_build_object('sentAtMicros', ?::bigint)))
