-- Routes of a node that somebody has stopped.

create table stopped_routes (
  stopped_route_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  node text not null,
  route_id text not null,
  status text not null check (status in ('stopped', 'suspended')),
  stopped_at timestamptz not null,
  stopped_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (node, route_id)
);
comment on table stopped_routes is
  'One row for each route that does not run on a node although it should. The node repeats its report every few seconds.';
comment on column stopped_routes.node is 'The id of the node''s dispatcher, new for each start.';
comment on column stopped_routes.stopped_at is 'When the node noticed it first.';
comment on column stopped_routes.stopped_by is
  'The actor, as in the audit log; null if nobody did it through Hawtio or Jolokia.';
comment on column stopped_routes.updated_at is 'When the node last reported it.';
create index stopped_routes_by_report on stopped_routes (updated_at);

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('stopped_routes', 'deleted', 'stopped_route_id', 'updated_at', 1);
