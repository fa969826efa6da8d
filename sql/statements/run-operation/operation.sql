-- At the start the bus makes the statement of each operation from this file, with the function of the
-- operation in place of operation_function. The column woken is yes when the bus must wake the dispatchers.
select answer::text as answer, current_setting('agentbus.woken', true) as woken
from operation_function(principal_of(:#credential::jsonb), caller_wakes(:#input::jsonb)) as answer
