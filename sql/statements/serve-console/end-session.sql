select end_console_session(decode(?, 'hex')) as answer
