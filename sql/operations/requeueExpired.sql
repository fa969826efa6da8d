select requeue_expired(principal_of(:#credential::jsonb), :#input::jsonb)::text
