select agree_on_server_key(?)
