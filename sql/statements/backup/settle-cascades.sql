select run_cascade()::text
