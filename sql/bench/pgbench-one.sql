-- pgbench -n -c 8 -j 2 -T 20 -f sql/bench/pgbench-one.sql: claim one job and close it, by the bus's own functions.
select c ->> 'attemptId' as a, c ->> 'jobId' as j from claim_for_dispatch('pgbench', 1, 60000) c \gset
select complete_job(principal_of(jsonb_build_object('attemptId', (:a)::text, 'allowed', '["attempt"]'::jsonb)),
  jsonb_build_object('jobId', (:j)::text, 'summary', 'done by pgbench'));
