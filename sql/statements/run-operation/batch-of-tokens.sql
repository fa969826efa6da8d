-- Like batch.sql, for an operation whose x-batch takes the calls of long-lived tokens. The first parameter
-- holds the callers' credentials.
select o_place as place, o_answer::text as answer, current_setting('agentbus.woken', true) as woken
from batch_function(?::jsonb[], caller_wakes(?::jsonb[]))
