select sync_agents('default', ?::jsonb)
