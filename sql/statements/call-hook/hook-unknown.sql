select hook_unknown(:#dispatcher, :#attemptId::uuid, :#reason)::text
