-- The operator's console: sessions of a browser, and tokens of people who only look.

alter table access_tokens drop constraint access_tokens_kind_check;
alter table access_tokens add constraint access_tokens_kind_check
  check (kind in ('operator', 'viewer', 'agent', 'gateway'));
alter table access_tokens drop constraint access_tokens_check;
alter table access_tokens add constraint access_tokens_check
  check (kind in ('operator', 'viewer', 'gateway') or namespace is not null);
comment on column access_tokens.namespace is
  'Null for a token that is valid in every namespace; only operators, viewers and gateways can have one.';

create table console_sessions (
  session_id uuid primary key default new_id(),
  session_hash bytea not null unique check (length(session_hash) = 32),
  token_hash bytea not null references access_tokens,
  namespace text not null references namespaces,
  used_at timestamptz not null default now(),
  ends_at timestamptz not null,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > created_at)
);
comment on table console_sessions is
  'One row for each login of a browser. A session has the rights of its token, and is over when the token is revoked.';
comment on column console_sessions.session_hash is 'The SHA-256 of the cookie; the bus does not keep the cookie.';
comment on column console_sessions.namespace is
  'The namespace of the token; default for a token that is valid in every namespace.';
comment on column console_sessions.used_at is
  'When a call last used the session, to the minute.';
comment on column console_sessions.ends_at is 'When the session ends by itself.';
comment on column console_sessions.ended_at is 'When the person logged out; null while the session lasts.';
create index console_sessions_by_end on console_sessions (ends_at);
create index console_sessions_by_token on console_sessions (token_hash);

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('console_sessions', 'deleted', 'session_id', 'ends_at', 7);
