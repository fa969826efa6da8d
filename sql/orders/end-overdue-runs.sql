select end_overdue_runs()::text as run
