select run_bulk_batch()
