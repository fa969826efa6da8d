select count(*) from jobs where state in ('waiting', 'queued', 'leased', 'running', 'blocked')
