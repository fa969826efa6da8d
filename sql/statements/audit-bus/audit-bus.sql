-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select audit_bus()
where :#${routeId} is not null
