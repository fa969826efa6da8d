-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select count_job_ends()
where :#${routeId} is not null
