drop database if exists agentbus_bench with (force)
