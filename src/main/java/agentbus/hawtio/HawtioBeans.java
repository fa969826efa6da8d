package agentbus.hawtio;

import agentbus.beans.Beans;
import agentbus.beans.PackageBeans;
import agentbus.calls.CallLimits;
import agentbus.db.Statements;
import agentbus.dispatch.Dispatcher;
import agentbus.health.RouteStates;
import agentbus.settings.Settings;

/** The listener of Hawtio and Jolokia. Without {@code agentbus.jolokia.port} there is none. */
public final class HawtioBeans implements PackageBeans {
    @Override
    public void bind(Beans beans) {
        if (!beans.get(Settings.class).text(HawtioServer.PORT).isEmpty()) {
            beans.bind("hawtioServer", HawtioServer.class, () -> server(beans));
        }
    }

    private static HawtioServer server(Beans beans) {
        HawtioServer server = HawtioServer.bind(beans.get(Settings.class).integer(HawtioServer.PORT));
        beans.closeAtStop(server);
        beans.whenStarted(() -> start(beans, server));
        // Before the routes stop, so that nobody starts one meanwhile.
        beans.whenStopping(server::close);
        return server;
    }

    private static void start(Beans beans, HawtioServer server) {
        Settings settings = beans.get(Settings.class);
        Statements statements = beans.get(Statements.class);
        String namespace = settings.text("agentbus.namespace");
        String node = beans.get(Dispatcher.class).id();
        MBeanPolicy policy = new MBeanPolicy();
        Jolokia jolokia = new Jolokia(
                policy, new AuditedRequests(policy, statements, beans.get(RouteStates.class), namespace, node), node);
        beans.closeAtStop(jolokia);
        server.start(new HawtioDoor(
                new OperatorLogin(beans.get(CallLimits.class), statements, namespace),
                jolokia,
                new HawtioFiles(),
                settings.integer("agentbus.http.max-body-bytes")));
    }
}
