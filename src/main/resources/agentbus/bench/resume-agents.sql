select count(resume_agent('{"kind": "operator", "name": "bench"}', jsonb_build_object('agentId', agent_id)))
from agents
where paused_at is not null
