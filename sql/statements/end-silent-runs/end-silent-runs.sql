select (jsonb_build_object('what', 'ended_without_closing') || e)::text as moved from end_silent_runs() e
