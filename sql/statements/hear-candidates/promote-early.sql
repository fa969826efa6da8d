select promote_candidates_early() as started
