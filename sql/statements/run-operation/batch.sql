-- At the start the bus makes this statement for each operation with x-batch for attempts, with the function
-- that x-batch names in place of batch_function. The first parameter holds the callers' attempts. The column
-- woken is yes when the bus must wake the dispatchers.
select o_place as place, o_answer::text as answer, current_setting('agentbus.woken', true) as woken
from batch_function(?::uuid[], caller_wakes(?::jsonb[]))
