select configure_gateway_everywhere(?, ?, ?, ?, ?)
