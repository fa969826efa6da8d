comment on schema agentbus is null
