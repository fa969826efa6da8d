select operator_token_checked(:#gateway, :#refusal,
  :#${variable.ownNamespace})::text
