select recover()::text as moved
