-- Marks the database as one whose restore has not finished. No bus starts on it until the mark is gone.
do $$
begin
  create schema if not exists agentbus;
  execute format('comment on schema agentbus is %L', current_setting('agentbus.mark'));
end
$$
