select sweep_pauses()::text as swept
