select settle_memories()::text as settled
