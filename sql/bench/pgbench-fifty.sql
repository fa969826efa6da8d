-- pgbench -n -c 2 -j 2 -T 20 -f sql/bench/pgbench-fifty.sql: what the bus does for fifty jobs, in its four transactions, without
-- HTTP, bus or agents. A transaction of pgbench's report is fifty jobs here.
select jsonb_agg(c)::text as claimed from claim_for_dispatch('pgbench', 50, 60000, '{default}') c \gset
select count(*) from keep_prompts('pgbench',
  array(select (c ->> 'attemptId')::uuid from jsonb_array_elements(:'claimed') c),
  array(select repeat(md5(c ->> 'jobId') || ' a line of a prompt, and one more ', 50) from jsonb_array_elements(:'claimed') c),
  array(select 'hash' from jsonb_array_elements(:'claimed')), array(select 'template' from jsonb_array_elements(:'claimed')),
  array(select '00' from jsonb_array_elements(:'claimed')));
select count(*) from hooks_admitted('pgbench',
  array(select (c ->> 'attemptId')::uuid from jsonb_array_elements(:'claimed') c),
  array(select 'run' from jsonb_array_elements(:'claimed')), array(select 'session' from jsonb_array_elements(:'claimed')));
select count(*) from complete_jobs(
  array(select (c ->> 'attemptId')::uuid from jsonb_array_elements(:'claimed') c),
  array(select jsonb_build_object('jobId', c ->> 'jobId', 'summary', 'done by pgbench') from jsonb_array_elements(:'claimed') c));
