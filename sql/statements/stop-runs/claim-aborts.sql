select claim_aborts(string_to_array(:#gateways, ','), string_to_array(:#withoutToken, ','))::text as abort
