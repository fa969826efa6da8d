-- A bus has these statistics from autovacuum.
analyze memories, memory_words
