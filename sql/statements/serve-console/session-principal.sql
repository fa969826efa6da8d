select principal_of(?::jsonb)::text as answer
