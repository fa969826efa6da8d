select * from database_health_v order by worry desc, watch
