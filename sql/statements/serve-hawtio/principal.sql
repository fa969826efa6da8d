select hawtio_principal(?::jsonb, ?)::text as answer
