select console_sessions_over(?) as session_hash
