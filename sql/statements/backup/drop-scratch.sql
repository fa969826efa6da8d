-- Without force: a database in use belongs to a drill that runs.
drop database if exists agentbus_restore_drill
