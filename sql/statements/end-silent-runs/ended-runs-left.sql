select ended_runs_left()
