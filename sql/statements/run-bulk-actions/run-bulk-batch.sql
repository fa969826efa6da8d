-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select run_bulk_batch()
where :#${routeId} is not null
