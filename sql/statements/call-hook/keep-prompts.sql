select o_attempt::text as attempt_id, o_prompt as prompt
from keep_prompts(?, ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[])
