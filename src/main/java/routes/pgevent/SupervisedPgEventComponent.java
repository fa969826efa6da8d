package routes.pgevent;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.Endpoint;
import org.apache.camel.component.pgevent.PgEventComponent;
import org.apache.camel.health.HealthCheckRegistry;

/**
 * The component behind the scheme {@code pgevent}: bind it in the registry under that name.
 *
 * <p>URIs:
 *
 * <ul>
 *   <li>{@code pgevent:channel} listens at the component's server. This is the form for routes: it holds no secret.
 *   <li>{@code pgevent:host:port/database/channel?user=..&pass=..} and {@code pgevent:host/database/channel}, as in
 *       camel-pgevent. Endpoint names leave the query out, but the route's definition keeps it: dumps of the route show
 *       the password.
 *   <li>{@code pgevent:///database/channel?datasource=#name}, as in camel-pgevent; the data source must give connections
 *       of pgjdbc-ng.
 * </ul>
 *
 * <p>Refused, with an error that says why: a channel that is not {@code [a-z_][a-z0-9_]*} of at most 63 characters, and
 * the stock consumer's options {@code reconnectDelay} and {@code workerPool*}, which would have no effect here.
 *
 * <p>While it runs, the component keeps the readiness check {@link ListenerHealthCheck} registered with its context.
 */
public class SupervisedPgEventComponent extends PgEventComponent {

    /** Header that is {@code true} on the one exchange after each connect; absent on notifications. */
    public static final String RESYNC_HEADER = "AgentbusResync";

    private static final Pattern CHANNEL = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
    private static final Pattern FULL_PATH =
            Pattern.compile("(?<host>[^:/]*)(?::(?<port>\\d+))?/(?<database>[^/]+)/(?<channel>[^/]+)");
    private static final List<String> STOCK_CONSUMER_OPTIONS =
            List.of("reconnectDelay", "workerPool", "workerPoolCoreSize", "workerPoolMaxSize");

    private final ListenServer server;
    private final DataSource dataSource;
    private final ListenTimes times;
    private final Set<SupervisedPgEventConsumer> consumers = ConcurrentHashMap.newKeySet();
    private final ListenerHealthCheck health = new ListenerHealthCheck(this);

    /** Makes a component without a server of its own: its URIs must name one. */
    public SupervisedPgEventComponent() {
        this(null, null, ListenTimes.defaults());
    }

    /**
     * Makes a component whose short URIs listen at one server, with the default times.
     *
     * @param server where and as whom
     */
    public SupervisedPgEventComponent(ListenServer server) {
        this(server, ListenTimes.defaults());
    }

    /**
     * Makes a component whose short URIs listen at one server.
     *
     * @param server where and as whom
     * @param times how patient its listeners are
     */
    public SupervisedPgEventComponent(ListenServer server, ListenTimes times) {
        this(Objects.requireNonNull(server, "server"), server.dataSource(), times);
    }

    /**
     * Makes a component whose short URIs listen where a data source leads: for TLS, or other options of the driver.
     *
     * @param dataSource gives connections of pgjdbc-ng that no pool takes back
     * @param times how patient its listeners are
     */
    public SupervisedPgEventComponent(DataSource dataSource, ListenTimes times) {
        this(null, Objects.requireNonNull(dataSource, "dataSource"), times);
    }

    private SupervisedPgEventComponent(ListenServer server, DataSource dataSource, ListenTimes times) {
        this.server = server;
        this.dataSource = dataSource;
        this.times = Objects.requireNonNull(times, "times");
    }

    /**
     * The listeners that are started, by channel.
     *
     * @return a copy, one entry for each consumer; consumers of stopped or suspended routes are not in it
     */
    public List<ListenerStatus> listeners() {
        return consumers.stream()
                .map(SupervisedPgEventConsumer::status)
                .sorted(Comparator.comparing(ListenerStatus::channel))
                .toList();
    }

    ListenTimes times() {
        return times;
    }

    void started(SupervisedPgEventConsumer consumer) {
        consumers.add(consumer);
    }

    void stopped(SupervisedPgEventConsumer consumer) {
        consumers.remove(consumer);
    }

    /**
     * Says in one line what went wrong.
     *
     * @param error what was thrown
     * @param endpoint where
     * @return kind and message; a password that the driver might have put into it is masked
     */
    String describe(Throwable error, SupervisedPgEventEndpoint endpoint) {
        String text = error.getClass().getSimpleName() + ": " + error.getMessage();
        text = masked(text, endpoint.getPass());
        return server == null ? text : masked(text, server.password());
    }

    @Override
    protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters) throws Exception {
        for (String option : STOCK_CONSUMER_OPTIONS) {
            if (parameters.containsKey(option)) {
                throw new IllegalArgumentException(
                        "pgevent option " + option + " has no effect on a supervised listener; remove it");
            }
        }
        boolean atOwnServer = !remaining.contains("/");
        SupervisedPgEventEndpoint endpoint = atOwnServer ? atOwnServer(remaining) : atNamedServer(remaining);
        setProperties(endpoint, parameters);
        return endpoint;
    }

    private SupervisedPgEventEndpoint atOwnServer(String channel) {
        requireChannel(channel);
        if (dataSource == null) {
            throw new IllegalArgumentException("pgevent:" + channel
                    + " names no server and the component has none; give the component a ListenServer,"
                    + " or write pgevent:host:port/database/" + channel);
        }
        String database = server == null ? "datasource" : server.database();
        SupervisedPgEventEndpoint endpoint =
                new SupervisedPgEventEndpoint("pgevent://" + channel, "pgevent:///" + database + "/" + channel, this);
        endpoint.setDatasource(dataSource);
        // These only name the place for Camel's service listings; the connection comes from the data source.
        endpoint.setHost(server == null ? null : server.host());
        endpoint.setPort(server == null ? null : server.port());
        endpoint.setUser(server == null ? null : server.user());
        return endpoint;
    }

    private SupervisedPgEventEndpoint atNamedServer(String path) {
        Matcher parts = FULL_PATH.matcher(path);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "pgevent:" + path + " is not one of pgevent:channel, pgevent:host:port/database/channel,"
                            + " pgevent:host/database/channel, pgevent:///database/channel");
        }
        requireChannel(parts.group("channel"));
        // The stock endpoint's patterns reach into the query, where a slash in a password would end up in the channel.
        String uri = "pgevent://" + path;
        return new SupervisedPgEventEndpoint(uri, uri, this);
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        HealthCheckRegistry registry = HealthCheckRegistry.get(getCamelContext());
        if (registry != null) {
            registry.register(health);
        }
    }

    @Override
    protected void doStop() throws Exception {
        HealthCheckRegistry registry = HealthCheckRegistry.get(getCamelContext());
        if (registry != null) {
            registry.unregister(health);
        }
        super.doStop();
    }

    private static void requireChannel(String channel) {
        if (!CHANNEL.matcher(channel).matches()) {
            throw new IllegalArgumentException("pgevent channel '" + channel
                    + "' must be [a-z_][a-z0-9_]*, at most 63 characters: LISTEN folds upper case and pg_notify does"
                    + " not, so its notifications would never arrive");
        }
    }

    private static String masked(String text, String secret) {
        return secret == null || secret.isEmpty() ? text : text.replace(secret, "xxxxxx");
    }
}
