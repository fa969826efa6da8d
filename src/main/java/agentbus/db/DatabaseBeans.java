package agentbus.db;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import javax.sql.DataSource;

/** The pool of connections. The sql component takes the one DataSource that the registry has. */
public final class DatabaseBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "dataSource", DataSource.class, () -> beans.get(Database.class).dataSource());
    }
}
