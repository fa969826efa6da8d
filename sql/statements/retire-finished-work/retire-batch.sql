select retire_finished_work(:#days::int, :#limit::int, :#place::jsonb) ->> 'next' as place
