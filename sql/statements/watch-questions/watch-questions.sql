-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select watch_questions()::text as watched
where :#${routeId} is not null
