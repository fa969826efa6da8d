select hook_refused(:#dispatcher, :#attemptId::uuid, :#reason)::text
