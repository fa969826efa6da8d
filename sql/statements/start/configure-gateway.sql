select configure_gateway('default', ?, ?, ?, ?)
