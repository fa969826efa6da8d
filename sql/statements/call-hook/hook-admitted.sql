select hook_admitted(:#dispatcher, :#attemptId::uuid, :#runId, :#sessionKey)::text
