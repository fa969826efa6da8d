select count(*)::text from cascades
