select queue_depths()::text as depth
