-- operation_function stands for the operation's function: the text of each operation's statement is made from
-- this file at the start.
select operation_function(principal_of(:#credential::jsonb), :#input::jsonb)::text
