select note_stopped_routes(:#${variable.node}::text, :#${variable.ownNamespace}::text, :#routes::jsonb)
