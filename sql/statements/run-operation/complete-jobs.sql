select o_place as place, o_answer::text as answer
from complete_jobs(?::uuid[], ?::jsonb[])
