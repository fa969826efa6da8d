-- Jobs whose last hook calls started no run are found without reading the queue of their lane, because rows
-- of agents and gateways are locked meanwhile (make_refused_due). Few jobs are in this index.

create index jobs_undelivered on jobs (namespace, target_agent)
  where state = 'queued' and delivery_failures > 0;
