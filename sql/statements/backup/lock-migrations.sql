-- The lock of the migrations, the letters "agentbus" as a number. It ends with the connection.
select pg_advisory_lock(7018690069353624947)
