-- Lets a sequence go on where it was. Names a sequence of the schema only.
select setval(format('%I.%I', 'agentbus', sequencename)::regclass, ?::bigint)::text
from pg_sequences
where schemaname = 'agentbus' and sequencename = ?
