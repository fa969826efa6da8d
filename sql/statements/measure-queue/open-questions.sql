select questions_open()::text as questions
