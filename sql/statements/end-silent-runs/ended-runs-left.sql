-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select ended_runs_left()
where :#${routeId} is not null
