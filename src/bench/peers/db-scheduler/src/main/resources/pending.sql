select count(*) from db_scheduler.scheduled_tasks
