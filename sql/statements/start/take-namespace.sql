select take_namespace(?)
