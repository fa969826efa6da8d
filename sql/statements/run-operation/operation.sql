-- At the start the bus makes the statement of each operation from this file, with the function of the
-- operation in place of operation_function.
select operation_function(principal_of(:#credential::jsonb), :#input::jsonb)::text
