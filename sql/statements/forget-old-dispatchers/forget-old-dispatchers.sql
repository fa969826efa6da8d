select forget_old_dispatchers(:#days::int)
