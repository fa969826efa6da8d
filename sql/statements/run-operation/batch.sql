-- batch_function stands for the function that the operation's x-batch names: the text is made from this file
-- at the start.
select o_place as place, o_answer::text as answer
from batch_function(?::uuid[], ?::jsonb[])
