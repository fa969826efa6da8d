select coalesce(jsonb_agg(replace(substr(proname, 10), '_', '-') order by proname), '[]')::text
from pg_proc
where pronamespace = 'agentbus'::regnamespace
  and proname like 'precheck\_%'
