select register_operator_token(?, ?, nullif(?, 'default'))
