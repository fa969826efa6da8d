select operator_token_checked(:#gateway, :#refusal)::text
