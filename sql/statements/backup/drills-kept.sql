select (to_regclass('agentbus.restore_drills') is not null)::text
