vacuum (analyze) jobs
