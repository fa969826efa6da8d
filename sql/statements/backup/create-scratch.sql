-- The name is fixed, so an operator who finds the database knows its owner.
create database agentbus_restore_drill template template0
