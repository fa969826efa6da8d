select dispatcher_heartbeat(:#dispatcher,
  :#heartbeat::jsonb || jsonb_build_object('namespace', :#${variable.ownNamespace}::text))::text
