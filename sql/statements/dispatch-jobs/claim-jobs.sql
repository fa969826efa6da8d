select claim_for_dispatch(:#dispatcher, :#limit::int, :#leaseMs::int,
  string_to_array(:#gateways, ','))::text as claimed
