select open_console_session(decode(?, 'hex'), decode(?, 'hex'))::text as answer
