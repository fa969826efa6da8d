package agentbus.orders;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.settings.Settings;

/** Binds the bean of the standing orders' routes. */
public final class OrderBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        beans.bind(
                "orderPlanner",
                OrderPlanner.class,
                () -> new OrderPlanner(beans.get(Settings.class).duration("agentbus.orders.plan-ahead-hours")));
    }
}
