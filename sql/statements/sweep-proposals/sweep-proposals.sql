-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select sweep_proposals()::text as swept
where :#${routeId} is not null
