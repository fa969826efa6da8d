package agentbus.start;

import agentbus.calls.CallLimits;
import agentbus.calls.Closes;
import agentbus.calls.Credentials;
import agentbus.calls.RouteJobs;
import agentbus.contract.Contract;
import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.db.Statements;
import agentbus.dispatch.Dispatcher;
import agentbus.dispatch.FailureLog;
import agentbus.dispatch.Gateway;
import agentbus.dispatch.GatewayHealth;
import agentbus.dispatch.GatewaySettings;
import agentbus.dispatch.Gateways;
import agentbus.dispatch.HookCallNotes;
import agentbus.dispatch.HookCalls;
import agentbus.dispatch.HookProtocol;
import agentbus.dispatch.Prompts;
import agentbus.dispatch.RunAborts;
import agentbus.fleet.AgentFileError;
import agentbus.fleet.AgentFiles;
import agentbus.health.AgeCheck;
import agentbus.health.DatabaseCheck;
import agentbus.health.Meters;
import agentbus.http.ApiDoor;
import agentbus.http.PatientServer;
import agentbus.http.ServerAnswers;
import agentbus.mcp.McpDoor;
import agentbus.orders.OrderPlanner;
import agentbus.orders.OrderSync;
import agentbus.settings.GatewayKeys;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import agentbus.settings.Version;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.github.bucket4j.TimeMeter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
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
 * One running bus: a database, the beans, and the Camel context with the routes. Made by {@link #start}; closing it drains
 * what is under way.
 */
public final class Bus implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Bus.class);
    /** Three beats missed and a dispatcher is taken for dead; see dispatcher_health_summary_v. */
    private static final int BEATS_TO_MISS = 3;

    private final Settings settings;
    private final Gateways gateways;
    private final Database database;
    private final ProgramFiles files;
    private final Statements statements;
    private final HttpAddress address;
    private final OrderPlanner planner;
    private final Main main = new Main();
    private final Vertx vertx;
    private Dispatcher dispatcher;
    private CallLimits callLimits;
    private Closes closes;
    private HookCallNotes hookCallNotes;
    private final Set<String> agentIds = new HashSet<>();
    private boolean dispatching;
    private RouteFiles routes;
    private OrderSync orders;
    private RouteReload reload;

    private Bus(Settings settings, Gateways gateways, HttpAddress address, Database database) {
        this.settings = settings;
        this.gateways = gateways;
        this.address = address;
        this.database = database;
        this.files = new ProgramFiles(settings);
        this.statements = new Statements(database.dataSource(), files);
        this.planner = new OrderPlanner(settings.duration("agentbus.orders.plan-ahead-hours", 1, 720));
        this.vertx = PatientServer.vertx(settings.duration("agentbus.http.idle-timeout-seconds", 1, 3600));
    }

    /**
     * Starts a bus and returns when its routes run.
     *
     * @param settings the settings
     * @param environment the environment's variables, for the server key
     * @param moreRoutes patterns of route files besides those of the phase
     * @param moreBeans beans that those routes call, by name
     * @return the running bus
     * @throws StartFailure when it cannot start, in one line; nothing is left running then
     */
    public static Bus start(
            Settings settings,
            Map<String, String> environment,
            List<String> moreRoutes,
            Map<String, Object> moreBeans) {
        Gateways gateways = GatewaySettings.read(settings);
        HttpAddress address = HttpAddress.of(settings);
        ServerKey key = ServerKey.load(settings.dataDirectory(), environment);
        Bus bus = new Bus(settings, gateways, address, Database.open(settings));
        try {
            bus.prepareDatabase(key);
            bus.startRoutes(key, moreRoutes, moreBeans);
            return bus;
        } catch (RuntimeException failed) {
            bus.close();
            throw failed;
        }
    }

    /** Where the API answers, such as {@code http://127.0.0.1:8080}. */
    public String url() {
        return address.url();
    }

    /** The Camel context, to inspect. */
    public CamelContext camel() {
        return main.getCamelContext();
    }

    /**
     * Takes changed route files, templates and statements from now on, until the bus is closed.
     *
     * @return the directories that are watched
     */
    public List<Path> reloadRoutes() {
        reload = new RouteReload(camel(), routes, files, Optional.ofNullable(orders));
        return reload.directories();
    }

    /** The database the bus runs on. */
    public Database database() {
        return database;
    }

    /** The id of this node's dispatcher. */
    public String dispatcherId() {
        return dispatcher.id();
    }

    /** Whether this node dispatches: it is set to, and has a gateway's token. */
    public boolean dispatches() {
        return dispatching;
    }

    /** The gateways that this node dispatches to, for people: each one's address, with its name unless it is the default. */
    public String gateways() {
        return gateways.dispatchable().stream()
                .map(gateways::named)
                .map(gateway -> gateway.name().equals("default")
                        ? gateway.url().toString()
                        : gateway.name() + " at " + gateway.url())
                .collect(Collectors.joining(", "));
    }

    private void prepareDatabase(ServerKey key) {
        new Migrations(database).run();
        String agreed = statements.text("sql/statements/start/agree-on-server-key.sql", key.fingerprint());
        if (!agreed.equals(key.fingerprint())) {
            throw new StartFailure("the server key of this node (" + key.fingerprint()
                    + ") is not the one this database was set up" + " with (" + agreed
                    + "); copy data/server.key from another node, or set AGENTBUS_SERVER_KEY");
        }
        OperatorTokenFile token = OperatorTokenFile.open(tokenDirectory(settings));
        statements.text("sql/statements/start/register-operator-token.sql", Sha256.of(token.token()), "first-operator");
        gateways.all().forEach(this::configure);
        ArrayNode agents = agents(settings);
        String synced = statements.text("sql/statements/start/sync-agents.sql", "default", agents.toString());
        agents.forEach(agent -> agentIds.add(agent.get("id").asText()));
        LOG.debug("Agents synced: {}", synced);
    }

    private void configure(Gateway gateway) {
        statements.text(
                "sql/statements/start/configure-gateway.sql",
                gateway.name(),
                gateway.maxInFlight(),
                gateway.url().toString(),
                gateway.form().setting());
        if (gateway.hasHookToken() && !gateway.hasOperatorToken()) {
            LOG.info(
                    "{} is not set: a run that is cancelled goes on at gateway {} until it ends by itself",
                    GatewayKeys.key(gateway.name(), "operator-token"),
                    gateway.name());
        }
    }

    private static ArrayNode agents(Settings settings) {
        try {
            return new AgentFiles(settings.home().resolve(settings.text("agentbus.agents.dir"))).read();
        } catch (AgentFileError wrong) {
            throw new StartFailure(wrong.getMessage(), wrong);
        }
    }

    /**
     * Where the first operator's token is kept.
     *
     * @param settings the settings
     * @return the directory, the data directory unless set otherwise
     */
    static Path tokenDirectory(Settings settings) {
        return settings.path("agentbus.data.token-dir").orElseGet(settings::dataDirectory);
    }

    private void startRoutes(ServerKey key, List<String> moreRoutes, Map<String, Object> moreBeans) {
        Contract contract = Contract.load();
        bindBeans(key, contract);
        bindChecks();
        moreBeans.forEach(main::bind);

        Properties properties = settings.asProperties();
        properties.setProperty("agentbus.dispatch.enabled", Boolean.toString(dispatching));
        properties.setProperty("agentbus.http.port", Integer.toString(address.port()));
        routes = new RouteFiles(settings, files, moreRoutes);
        properties.setProperty("camel.main.routesIncludePattern", String.join(",", routes.patterns()));
        // A route names a file beside it by this, wherever the bus was started.
        routes.own().ifPresent(own -> properties.setProperty("agentbus.routes.dir", own.toString()));
        main.setDefaultPropertyPlaceholderLocation("false");
        main.setOverrideProperties(properties);
        if (settings.flag("agentbus.orders.enabled")) {
            orders = new OrderSync(statements, planner, agentIds);
            // Before Camel makes anything of them: a mistake in an order is told in the order's words.
            main.addMainListener(new MainListenerSupport() {
                @Override
                public void afterConfigure(BaseMainSupport configured) {
                    routes.requireOwnNames(configured.getCamelContext());
                    orders.sync(configured.getCamelContext());
                }
            });
        }
        // The process is stopped by whoever started it; Camel's own hook would race with that.
        main.setShutdownStrategy(new SimpleMainShutdownStrategy());
        try {
            main.start();
        } catch (Exception failed) {
            throw RouteFailure.explain(failed, main.getCamelContext(), routes);
        }
        routes.requireLists(main.getCamelContext());
        new ServerAnswers(
                        contract,
                        callLimits,
                        settings.integer("agentbus.http.max-body-bytes", 1024, 16_777_216),
                        settings.duration("agentbus.http.body-timeout-seconds", 1, 600))
                .install(main.getCamelContext(), address.port());
    }

    /** The beans that the routes name, by those names. */
    private void bindBeans(ServerKey key, Contract contract) {
        boolean listen =
                settings.oneOf("agentbus.dispatch.wake", "listen", "poll").equals("listen");
        dispatching = settings.flag("agentbus.dispatch.enabled")
                && !gateways.dispatchable().isEmpty();
        ListenTimes times = ListenTimes.defaults();
        SupervisedPgEventComponent listener =
                new SupervisedPgEventComponent(database.unpooled(times.connectLimit()), times);
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Meters meters = new Meters(registry);
        dispatcher = new Dispatcher(
                Version.read(),
                listen ? "listen" : "poll",
                settings.duration("agentbus.dispatch.sweep-ms", 50, 60_000),
                settings.duration("agentbus.dispatch.beat-ms", 100, 200_000),
                settings.duration("agentbus.dispatch.lease-ms", 1000, 600_000),
                settings.integer("agentbus.dispatch.claim-batch", 1, 1000),
                gateways,
                () -> listen
                        && !listener.listeners().isEmpty()
                        && listener.listeners().stream().allMatch(ListenerStatus::connected));
        Prompts prompts = new Prompts(
                key, address.publicUrl(), settings.integer("agentbus.prompt.max-payload-bytes", 1000, 120_000));
        // Read here so that a wrong number stops the start: the routes' timers take what they are given.
        settings.duration("agentbus.gateway.health-seconds", 1, 20);
        settings.duration("agentbus.dispatch.run-end-ms", 100, 60_000);

        // The pool, not the listener's connection: the sql component takes the one DataSource it finds.
        main.bind("dataSource", database.dataSource());
        main.bind("vertx", vertx);
        main.bind(ClasspathFiles.BEAN, new ClasspathFiles(files));
        main.bind("metricsRegistry", registry);
        main.bind("pgevent", listener);
        main.bind("meters", meters);
        main.bind("failureLog", new FailureLog());
        main.bind("dispatcher", dispatcher);
        main.bind("hookCalls", new HookCalls(dispatcher));
        main.bind("prompts", prompts);
        main.bind("gateways", gateways);
        main.bind("gatewayHealth", new GatewayHealth(gateways, dispatcher.id(), dispatcher::alone));
        main.bind("hookProtocol", new HookProtocol(gateways, prompts));
        main.bind("runAborts", new RunAborts(gateways));
        closes = new Closes(statements);
        hookCallNotes = new HookCallNotes(dispatcher.id(), statements);
        main.bind("closes", closes);
        main.bind("hookCallNotes", hookCallNotes);
        callLimits = new CallLimits(
                new Credentials(key),
                new CallLimits.Rates(
                        settings.integer("agentbus.limits.calls-per-second", 1, 1_000_000),
                        settings.integer("agentbus.limits.burst", 1, 1_000_000),
                        settings.integer("agentbus.limits.bad-tokens-per-minute", 1, 1_000_000)),
                TimeMeter.SYSTEM_NANOTIME,
                meters);
        ApiDoor apiDoor = new ApiDoor(contract, key, callLimits, meters);
        main.bind("apiDoor", apiDoor);
        main.bind("mcpDoor", new McpDoor(contract, Version.read(), address.publicUrl(), apiDoor, callLimits, meters));
        main.bind("routeJobs", new RouteJobs(contract));
        main.bind("orderPlanner", planner);
    }

    private void bindChecks() {
        main.bind("databaseCheck", new DatabaseCheck(database.dataSource(), database.toString()));
        if (dispatching) {
            long sweepMs = settings.duration("agentbus.dispatch.sweep-ms").toMillis();
            long beatMs = settings.duration("agentbus.dispatch.beat-ms").toMillis();
            // A quiet bus sweeps every fourth time; a sweep waits while a database call times out.
            main.bind(
                    "sweepCheck",
                    new AgeCheck("sweep", "The last look at the queue", dispatcher::sweepAgeMs, 8 * sweepMs + 5000));
            main.bind(
                    "heartbeatCheck",
                    new AgeCheck(
                            "heartbeat",
                            "This dispatcher's last heartbeat",
                            dispatcher::heartbeatAgeMs,
                            BEATS_TO_MISS * beatMs));
        }
    }

    /** Drains what is under way, says good-bye to the other nodes, and closes the database. Never throws. */
    @Override
    public void close() {
        if (reload != null) {
            attempt(reload::close);
        }
        attempt(main::stop);
        if (closes != null) {
            closes.close();
            hookCallNotes.close();
        }
        if (dispatching) {
            attempt(() -> statements.text("sql/statements/start/dispatcher-stopped.sql", dispatcher.id()));
        }
        attempt(() -> vertx.close().toCompletionStage().toCompletableFuture().join());
        database.close();
    }

    private static void attempt(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException trouble) {
            // Whatever was not handed over runs out by itself: that is what leases are for.
            LOG.warn("The stop was not clean: {}", trouble.getMessage());
        }
    }
}
