-- At the start the bus makes this statement for each operation with x-batch, with the function that x-batch
-- names in place of batch_function.
select o_place as place, o_answer::text as answer
from batch_function(?::uuid[], ?::jsonb[])
