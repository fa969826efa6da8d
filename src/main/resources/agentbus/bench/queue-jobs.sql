-- The bus's own enqueue_job, one call for each job, spread over the bench's agents.
select count(enqueue_job(
    '{"kind": "operator", "name": "bench"}',
    jsonb_build_object(
      'targetAgent', 'bench-' || n % ?::int + 1,
      'subject', 'bench.work',
      'payload', jsonb_build_object('host', 'web-' || n))))
from generate_series(1, ?::int) n
