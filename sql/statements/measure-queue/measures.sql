-- The parameter saves a round trip: camel-sql asks the server for those of a statement without parameters.
select metric, labels::text as labels, value
from measures()
where :#${routeId} is not null
