select claim_aborts(string_to_array(:#gateways, ','), string_to_array(:#withoutToken, ','),
  p_namespace => :#${variable.ownNamespace})::text as abort
