select hook_busy(:#dispatcher, :#attemptId::uuid, :#reason)::text
