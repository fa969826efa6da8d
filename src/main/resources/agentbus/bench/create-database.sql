-- The name is fixed, so an operator who finds the database knows its owner, and a second bench on this
-- server is refused.
create database agentbus_bench
