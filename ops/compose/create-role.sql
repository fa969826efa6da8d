-- Makes the role and the database of the bus. The image of Postgres runs this script once, when it makes its data.
\set password `cat /run/secrets/database-password`
create role bus login password :'password';
-- Lets agentbus health see the transactions of other roles; it gives no access to their data.
grant pg_monitor to bus;
create database bus owner bus;
