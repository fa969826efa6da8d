-- Limits of the vault, each with its reason, as in kernel/R__policy.sql.

-- How many days after its end a day or a week is still written anew when its rows change.
-- Chosen: a slot or job of a day may be settled later, after a long outage too. Older numbers are final, and
-- counting the jobs of a year at each export would take longer than all notes.
create or replace function vault_days_open() returns int language sql immutable as $$ select 8 $$;

-- How many days back the first export of a vault writes daily notes and snapshots.
-- Chosen: a year, the time for which reports are kept too.
create or replace function vault_days_back() returns int language sql immutable as $$ select 365 $$;

