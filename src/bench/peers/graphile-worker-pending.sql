select count(*) as pending from graphile_worker.jobs
