select count(pause_agent(
    '{"kind": "operator", "name": "bench"}',
    jsonb_build_object('agentId', agent_id, 'reason', 'the bench fills the queue')))
from agents
where enabled
