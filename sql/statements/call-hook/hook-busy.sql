select hook_busy(:#dispatcher, :#attemptId::uuid, :#reason, :#status::int)::text
