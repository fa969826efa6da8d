-- A fixed name: whoever finds it knows what it is, and a second bench on the same server is refused.
create database agentbus_bench
