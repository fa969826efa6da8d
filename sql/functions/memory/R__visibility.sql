-- Who may read which memory, and the lock of the lane. The same rule holds for candidates.
--
--   visibility | people | the owner | curators | other agents
--   shared     | yes    | no owner  | yes      | yes
--   role       | yes    | yes       | yes      | no
--   private    | yes    | yes       | no       | no
--
-- A curator is an enabled agent with mayPromoteMemories: shared in its agent.yaml. Prompts take less: of the
-- memories with an owner only those of the agent itself.

-- Returns whether an agent may read a memory with this visibility and owner. p_may_promote is its right to
-- promote (agents.may_promote): null, own or shared.
create or replace function memory_readable_by(
  p_agent text, p_may_promote text, p_visibility text, p_owner text
) returns boolean
language sql immutable as $$
  select coalesce(
    p_visibility = 'shared'
    or p_owner = p_agent
    or p_visibility = 'role' and p_may_promote = 'shared', false)
$$;

-- Returns which memories of others a caller may promote: own or shared. Null for none, for an agent whose
-- agent.yaml is gone, and for callers that are no agents.
create or replace function may_promote_of(p_principal jsonb) returns text
language sql stable as $$
  select may_promote
  from agents
  where is_agent(p_principal)
    and namespace = p_principal ->> 'namespace'
    and agent_id = p_principal ->> 'name'
    and enabled
$$;

-- Returns whether a caller may read a memory or a candidate with this visibility and owner. A memory that the
-- caller may not read is answered as if it did not exist. The caller has to be of its namespace: see
-- namespace_of.
create or replace function memory_visible(p_principal jsonb, p_visibility text, p_owner text)
returns boolean
language sql stable as $$
  select case
    when p_principal ->> 'kind' in ('operator', 'viewer', 'dispatcher') then true
    when is_agent(p_principal) then
      memory_readable_by(p_principal ->> 'name', may_promote_of(p_principal), p_visibility, p_owner)
    else false end
$$;

-- Refuses (409, frozen) a caller that is a frozen agent. p_field is the field of the refusal. What changes
-- candidates and memories asks it, mostly by locked_candidate and locked_memory.
create or replace function refuse_frozen_caller(p_principal jsonb, p_namespace text, p_field text)
returns void
language plpgsql stable as $$
begin
  if is_agent(p_principal) then
    perform refuse_frozen_agent(p_namespace, p_principal ->> 'name', p_field);
  end if;
end
$$;

-- Takes the lock under which candidates and memories of a namespace are created, promoted, superseded and
-- ended. Conflicts, near-duplicates and limits are compared with all rows, and no constraint can hold them.
-- The order of locks is: this one, then the candidate, then memories by memory_id.
create or replace function lock_memories(p_namespace text) returns void
language sql as $$
  select pg_advisory_xact_lock(hashtextextended('agentbus.memories.' || p_namespace, 0))
$$;

-- Returns whether an agent is kept from text from outside (reads of its agent.yaml), so that untrusted
-- memories reach it neither in a prompt nor by a search. False for a name of no agent, and for null.
create or replace function reads_trusted_only(p_namespace text, p_agent text) returns boolean
language plpgsql stable as $$
begin
  return (
    select exists (
      select from agents where namespace = p_namespace and agent_id = p_agent and reads = 'trusted'));
end
$$;
