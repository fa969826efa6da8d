select nextval('tries');
select 1 / (count(*) - count(*)) from things;
