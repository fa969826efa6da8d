-- With force: this drill has made the database, so every session on it is its own.
drop database if exists agentbus_restore_drill with (force)
