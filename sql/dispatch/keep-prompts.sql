select o_attempt::text as attempt_id, o_prompt as prompt
from keep_prompts(:#dispatcher, :#attemptIds::uuid[], :#prompts::text[], :#promptHashes::text[], :#templateHashes::text[], :#tokenHashes::text[])
