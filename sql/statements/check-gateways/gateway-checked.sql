select gateway_checked(:#node, :#gateway, :#state, :#reason)::text
