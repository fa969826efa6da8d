select run_cascade()
