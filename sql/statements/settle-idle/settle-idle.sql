select settle_idle()::text as settled
