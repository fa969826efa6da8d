select dispatcher_stopped(?)
