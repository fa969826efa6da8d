select count(*) from claim_for_dispatch('bench', ?::int, 12000)
