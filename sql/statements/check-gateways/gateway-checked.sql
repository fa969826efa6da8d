select gateway_checked(:#node, :#gateway, :#state, :#reason,
  :#${variable.ownNamespace})::text
