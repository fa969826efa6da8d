select count_job_ends()
