drop schema agentbus cascade
