package agentbus.start;

import agentbus.beans.Beans;
import agentbus.db.Database;
import agentbus.db.Statements;
import agentbus.dispatch.Dispatcher;
import agentbus.dispatch.GatewaySettings;
import agentbus.dispatch.Gateways;
import agentbus.dispatch.Listening;
import agentbus.fleet.AgentFiles;
import agentbus.hawtio.HawtioServer;
import agentbus.http.HttpPort;
import agentbus.orders.OrderPlanner;
import agentbus.orders.OrderSync;
import agentbus.settings.HttpAddress;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.pgevent.ListenTimes;
import routes.pgevent.ListenerStatus;
import routes.pgevent.SupervisedPgEventComponent;

/**
 * A running bus: the database, the beans, and the Camel context with the routes. {@link #start} makes a bus, and
 * {@link #close} lets the exchanges in flight finish.
 */
public final class Bus implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Bus.class);

    private final Settings settings;
    private final Gateways gateways;
    private final HttpAddress address;
    private final Opening<Set<String>> opening;
    private final ProgramFiles files;
    private final boolean dispatching;
    private final Main main = new Main();
    private Database database;
    private Statements statements;
    private Beans beans;
    private RouteFiles routes;
    private Optional<OrderSync> orders = Optional.empty();
    private int orderCount;
    private RouteReload reload;

    private Bus(Settings settings, Gateways gateways, HttpAddress address, Opening<Set<String>> opening) {
        this.settings = settings;
        this.gateways = gateways;
        this.address = address;
        this.opening = opening;
        this.files = new ProgramFiles(settings);
        this.dispatching = GatewaySettings.dispatches(settings, gateways);
    }

    /**
     * Starts a bus and returns when its routes run.
     *
     * @param settings the settings
     * @param environment the environment's variables, for the server key
     * @param moreRoutes patterns of further route files, besides those of the phase
     * @param moreBeans beans that those routes call, by name
     * @return the running bus
     * @throws StartFailure when the bus cannot start; the message is one line, and nothing is left running
     */
    public static Bus start(
            Settings settings,
            Map<String, String> environment,
            List<String> moreRoutes,
            Map<String, Object> moreBeans) {
        Gateways gateways = GatewaySettings.read(settings);
        AgentFiles fleet = AgentFiles.of(settings);
        fleet.read();
        Database.requireAddress(settings);
        HttpAddress address = HttpAddress.of(settings);
        ServerKey key = ServerKey.load(settings.dataDirectory(), environment);
        Opening<Set<String>> opening = new Opening<>(settings);
        Bus bus;
        try {
            bus = new Bus(settings, gateways, address, opening);
        } catch (RuntimeException | Error failed) {
            uninterrupted(opening::close);
            throw failed;
        }
        try {
            bus.run(key, fleet, moreRoutes, moreBeans);
            return bus;
        } catch (RuntimeException | Error failed) {
            uninterrupted(bus::close);
            throw failed;
        }
    }

    /** An interrupt asks a start to stop; most steps of a start do not notice it themselves. */
    private static void requireNoStop() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StartFailure("stopped during the start");
        }
    }

    /** Closes without the interrupt that has stopped the start, because it would cut the close short. */
    private static void uninterrupted(Runnable close) {
        boolean interrupted = Thread.interrupted();
        close.run();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The address of the API, such as {@code http://127.0.0.1:8080}. */
    public String url() {
        return address.url();
    }

    /** A text for people with the address of the console, or why there is none. */
    public String console() {
        return settings.flag("agentbus.console.enabled")
                ? address.url() + "/"
                : "off, because agentbus.console.enabled is false";
    }

    /** The address of Hawtio; empty while {@code agentbus.jolokia.port} is not set. */
    public Optional<String> hawtio() {
        return settings.text(HawtioServer.PORT).isEmpty()
                ? Optional.empty()
                : Optional.of(beans.get(HawtioServer.class).url());
    }

    /** The Camel context, for inspection. */
    public CamelContext camel() {
        return main.getCamelContext();
    }

    /**
     * Starts to reload changed route files, templates and statements, until the bus is closed.
     *
     * @return the directories that are watched
     */
    public List<Path> reloadRoutes() {
        reload = new RouteReload(camel(), routes, files, orders);
        return reload.directories();
    }

    /** The database the bus runs on. */
    public Database database() {
        return database;
    }

    /** The id of this node's dispatcher. */
    public String dispatcherId() {
        return beans.get(Dispatcher.class).id();
    }

    /** Whether this node dispatches: dispatching is enabled, and a gateway has a hook token. */
    public boolean dispatches() {
        return dispatching;
    }

    /**
     * A text for people with the gateways that this node dispatches to: the address of each, and its name unless it is
     * the default gateway.
     */
    public String gateways() {
        return gateways.dispatchable().stream()
                .map(gateways::named)
                .map(gateway -> gateway.name().equals("default")
                        ? gateway.url().toString()
                        : gateway.name() + " at " + gateway.url())
                .collect(Collectors.joining(", "));
    }

    /** A text for people that says how many standing orders this node runs, or that they are off. */
    public String orders() {
        return orders.isPresent()
                ? orderCount + ", on their schedules"
                : "off: no schedule runs on this node until agentbus.orders.enabled is true";
    }

    private void run(ServerKey key, AgentFiles fleet, List<String> moreRoutes, Map<String, Object> moreBeans) {
        opening.prepare(open ->
                new Preparation(settings, open, new Statements(open.dataSource(), files)).run(key, gateways, fleet));
        requireNoStop();
        routes = new RouteFiles(settings, files, moreRoutes);
        configure();
        main.bind(ClasspathFiles.BEAN, new ClasspathFiles(files));
        main.bind(PlainFiles.BEAN, new PlainFiles());
        moreBeans.forEach(main::bind);
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeInitialize(BaseMainSupport initializing) {
                preferSettings(initializing.getCamelContext());
                main.bind(Lifecycle.BEAN, new Lifecycle(initializing.getCamelContext()));
                routes.requireText(initializing.getCamelContext());
                bindBeans(initializing.getCamelContext(), key);
            }

            @Override
            public void afterConfigure(BaseMainSupport configured) {
                // Every route may use the database, and no route has begun yet.
                Set<String> agentIds = opening.prepared();
                requireNoStop();
                // Runs before Camel builds the routes, so that the error for a mistake in a standing order names the
                // order.
                syncOrders(configured.getCamelContext(), agentIds);
            }
        });
        try {
            main.start();
        } catch (StartFailure wrong) {
            throw wrong;
        } catch (Exception failed) {
            throw RouteFailure.explain(failed, main.getCamelContext(), routes);
        }
        routes.requireLists(main.getCamelContext());
        beans.started();
        requireNoStop();
        beans.get(HttpPort.class).open();
        // Last, because an agent that is woken calls the bus at this port.
        beans.get(Dispatcher.class).begin();
        wakeDispatcher();
    }

    /** Wakes the dispatcher for jobs that were due before the start; otherwise the first sweep finds them. */
    private void wakeDispatcher() {
        if (!dispatching) {
            return;
        }
        try (ProducerTemplate wake = camel().createProducerTemplate()) {
            wake.sendBody("direct:wake-dispatch", null);
        } catch (IOException | CamelExecutionException failed) {
            LOG.warn("The dispatcher was not woken, so the first sweep finds the due jobs: {}", failed.getMessage());
        }
    }

    private void configure() {
        Properties properties = settings.asProperties();
        properties.setProperty("agentbus.dispatch.enabled", Boolean.toString(dispatching));
        properties.setProperty("agentbus.http.port", Integer.toString(address.port()));
        properties.setProperty("camel.main.routesIncludePattern", String.join(",", routes.patterns()));
        // Camel's MBeans are for Hawtio alone: they took a fifth of a start's processor time and 30 MB
        // (docs/performance.md).
        properties.putIfAbsent(
                "camel.main.jmxEnabled",
                Boolean.toString(!settings.text(HawtioServer.PORT).isEmpty()));
        properties.putIfAbsent("camel.component.quartz.enableJmx", properties.getProperty("camel.main.jmxEnabled"));
        // Lets a route name a file in its own directory, whatever the working directory of the bus is.
        routes.own().ifPresent(own -> properties.setProperty("agentbus.routes.dir", own.toString()));
        main.setRoutesCollector(new RoutesReadOnce());
        main.setDefaultPropertyPlaceholderLocation("false");
        main.setOverrideProperties(properties);
        // The code that starts the bus also stops it; Camel's shutdown hook would stop it at the same time.
        main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    }

    /**
     * Lets placeholders have the values of the settings. By default Camel prefers the environment, which may hold a weaker
     * source's value, or that of another program.
     */
    private static void preferSettings(CamelContext camel) {
        PropertiesComponent placeholders = (PropertiesComponent) camel.getPropertiesComponent();
        placeholders.setEnvironmentVariableMode(PropertiesComponent.ENVIRONMENT_VARIABLES_MODE_FALLBACK);
        placeholders.setSystemPropertiesMode(PropertiesComponent.SYSTEM_PROPERTIES_MODE_FALLBACK);
    }

    private void bindBeans(CamelContext camel, ServerKey key) {
        beans = new Beans(camel);
        beans.keep(Settings.class, settings);
        beans.keep(HttpAddress.class, address);
        beans.keep(ServerKey.class, key);
        beans.keep(ProgramFiles.class, files);
        beans.bind("gateways", Gateways.class, () -> gateways);
        PackageScan.bindAll(beans);
        beans.databaseOpens();
        database = opening.database();
        statements = new Statements(database.dataSource(), files);
        beans.keep(Database.class, database);
        beans.keep(Statements.class, statements);
        bindListener();
        beans.makeAll();
    }

    private void bindListener() {
        boolean listen = settings.text("agentbus.dispatch.wake").equals("listen");
        ListenTimes times = ListenTimes.defaults();
        SupervisedPgEventComponent listener =
                new SupervisedPgEventComponent(database.unpooled(times.connectLimit()), times);
        beans.bind("pgevent", SupervisedPgEventComponent.class, () -> listener);
        beans.keep(
                Listening.class,
                () -> listen
                        && !listener.listeners().isEmpty()
                        && listener.listeners().stream().allMatch(ListenerStatus::connected));
    }

    private void syncOrders(CamelContext camel, Set<String> agentIds) {
        if (settings.flag("agentbus.orders.enabled")) {
            routes.requireOwnNames(camel);
            OrderSync sync = new OrderSync(
                    statements,
                    settings.text("agentbus.namespace"),
                    beans.get(OrderPlanner.class),
                    agentIds,
                    routes::phases);
            orderCount = sync.sync(camel);
            orders = Optional.of(sync);
        }
    }

    /** Lets the exchanges in flight finish, marks the dispatcher as stopped, and closes the database. Never throws. */
    @Override
    public void close() {
        if (reload != null) {
            reload.close();
        }
        if (beans != null) {
            beans.stopping();
        }
        try {
            main.stop();
        } catch (RuntimeException trouble) {
            // A warning is enough, because leases that were not released expire.
            LOG.warn("The stop was not clean: {}", trouble.getMessage());
        }
        if (beans != null) {
            beans.close();
        }
        opening.close();
    }
}
