select watch_questions()::text as watched
