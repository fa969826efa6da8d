select keep_token_hash(:#attemptId::uuid, :#tokenHash)
