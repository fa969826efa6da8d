select sync_agents(?, ?::jsonb)::text
