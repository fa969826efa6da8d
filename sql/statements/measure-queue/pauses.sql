select pause_counts()::text as pauses
