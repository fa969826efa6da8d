select plan_slots(?, ?, ?, ?, ?::timestamptz, ?::timestamptz[], ?::timestamptz)::text
