select aborts_left(string_to_array(:#gateways, ',') || string_to_array(:#withoutToken, ','),
  :#${variable.ownNamespace})
