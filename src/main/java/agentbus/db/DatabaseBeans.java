package agentbus.db;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import javax.sql.DataSource;

/** Binds the connection pool. Camel's sql component uses the only DataSource in the registry. */
public final class DatabaseBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "dataSource", DataSource.class, () -> beans.get(Database.class).dataSource());
    }
}
