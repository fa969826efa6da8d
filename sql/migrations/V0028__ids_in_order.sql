-- Ids of one millisecond had no order, so "the newest by its id" could be the one before. From here on an id
-- also holds the microsecond. Ids that were made before stay valid and sort as they did.

-- Returns a new UUID of version 7 (RFC 9562). Its first 48 bits are the time in milliseconds, and the 12 bits
-- after the version are the part of the millisecond in 4096ths (section 6.2, method 3). So ids sort by the
-- microsecond in which they were made, and the newest rows lie next to each other in an index. Postgres has
-- uuidv7() only from version 18, and the bus supports version 15.
create or replace function new_id() returns uuid
language sql volatile parallel safe as $$
  select (
    overlay(lpad(to_hex((extract(epoch from clock_timestamp()) * 4096000)::bigint), 15, '0')
      placing '7' from 13 for 0)
    || substring(gen_random_uuid()::text from 20))::uuid
$$;
