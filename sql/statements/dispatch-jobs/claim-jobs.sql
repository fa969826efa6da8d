select claim_for_dispatch(:#dispatcher, :#limit::int, :#leaseMs::int,
  string_to_array(:#gateways, ','), :#${variable.ownNamespace})::text as claimed
