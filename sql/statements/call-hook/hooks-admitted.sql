select o_attempt::text as attempt_id, o_answer::text as answer
from hooks_admitted(?, ?::uuid[], ?::text[], ?::text[])
