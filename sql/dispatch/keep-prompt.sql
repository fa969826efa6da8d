select keep_prompt(:#attemptId::uuid, :#dispatcher, :#prompt, :#promptHash, :#templateHash, :#tokenHash) as prompt
