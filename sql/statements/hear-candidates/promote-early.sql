-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select promote_candidates_early() as started
where :#${routeId} is not null
