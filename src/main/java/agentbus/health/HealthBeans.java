package agentbus.health;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.db.Database;
import agentbus.db.Statements;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import javax.sql.DataSource;

/** Binds the metrics of a node, and the checks of its database and its routes. */
public final class HealthBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "metricsRegistry",
                PrometheusMeterRegistry.class,
                () -> new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        beans.bind(
                "databaseCheck",
                DatabaseCheck.class,
                () -> new DatabaseCheck(
                        beans.get(DataSource.class),
                        beans.get(Database.class).toString(),
                        beans.get(Statements.class).template("sql/statements/health/write-trouble.sql")));
        beans.bind("routeStates", RouteStates.class, () -> new RouteStates(beans.camel()));
        beans.bind("routesCheck", RoutesCheck.class, () -> new RoutesCheck(beans.get(RouteStates.class)));
        beans.bind("heap", Heap.class, Heap::new);
        beans.bind("gauges", Gauges.class, () -> new Gauges(beans.get(PrometheusMeterRegistry.class)));
        beans.bind("meters", Meters.class, () -> new Meters(beans.get(PrometheusMeterRegistry.class)));
    }
}
