select hook_undelivered(:#dispatcher, :#attemptId::uuid, :#reason, :#retryAfterSeconds::int)::text
