select sweep_proposals()::text as swept
