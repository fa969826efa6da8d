select configure_gateway('default', 'default', ?::int, null, 'mapped')
