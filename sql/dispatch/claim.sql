select claim_for_dispatch(:#dispatcher, :#limit::int, :#leaseMs::int)::text as claimed
