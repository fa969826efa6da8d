-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select settle_idle()::text as settled
where :#${routeId} is not null
