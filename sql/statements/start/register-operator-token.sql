select register_operator_token(?, ?)
