-- Lanes that the bus stopped before it knew causes of refusals try again too, with the first claim after the
-- upgrade. Lanes that an operator has paused stay paused.

update agents
set refusal_cause = split_part(paused_reason, ':', 1), refusal_stops = 1, paused_until = now()
where paused_by = 'dispatcher'
  and paused_at is not null
  and refusal_cause is null;
