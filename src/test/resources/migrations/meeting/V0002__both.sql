alter table left_things add column name text;
alter table right_things add column name text;
