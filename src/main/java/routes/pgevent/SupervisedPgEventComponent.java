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
import org.apache.camel.spi.annotations.Component;

/**
 * The component of the scheme {@code pgevent}, to be bound in the registry under that name.
 *
 * <p>URIs:
 *
 * <ul>
 *   <li>{@code pgevent:channel} listens on the database of the component's data source. This is the form for routes: it
 *       holds no secret, and the data source brings TLS and every other option of the driver.
 *   <li>{@code pgevent:host:port/database/channel?user=..&pass=..} and {@code pgevent:host/database/channel}, as in
 *       camel-pgevent. The endpoint's name omits the query, but the route's definition contains it, so a dump of the
 *       route shows the password.
 *   <li>{@code pgevent:///database/channel?datasource=#name}, as in camel-pgevent; the data source must give
 *       connections of pgjdbc, or wrappers that unwrap to them.
 * </ul>
 *
 * <p>The component refuses a channel that is not {@code [a-z_][a-z0-9_]*} of at most 63 characters, and the stock
 * consumer's options {@code reconnectDelay} and {@code workerPool*}, which would have no effect here. The error message
 * gives the reason.
 *
 * <p>While it runs, the component keeps the readiness check {@link ListenerHealthCheck} registered with its context.
 */
// Without the annotation Camel sets options by reflection, which fails because the stock driver's classes are absent.
@Component("pgevent")
public class SupervisedPgEventComponent extends PgEventComponent {

    /** The header that is {@code true} on the resync exchange after each connect, and absent on notifications. */
    public static final String RESYNC_HEADER = "AgentbusResync";

    private static final Pattern CHANNEL = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
    private static final Pattern FULL_PATH =
            Pattern.compile("(?<host>[^:/]*)(?::(?<port>\\d+))?/(?<database>[^/]+)/(?<channel>[^/]+)");
    private static final List<String> STOCK_CONSUMER_OPTIONS =
            List.of("reconnectDelay", "workerPool", "workerPoolCoreSize", "workerPoolMaxSize");

    private final DataSource dataSource;
    private final ListenTimes times;
    private final Set<SupervisedPgEventConsumer> consumers = ConcurrentHashMap.newKeySet();
    private final ListenerHealthCheck health = new ListenerHealthCheck(this);

    /** Makes a component without a data source: its URIs must name a server or a data source. */
    public SupervisedPgEventComponent() {
        this.dataSource = null;
        this.times = ListenTimes.defaults();
    }

    /**
     * Makes a component whose short URIs listen on the database of a data source.
     *
     * @param dataSource gives connections of pgjdbc; each listener keeps one, so the source must not be a pool. Keep
     *     the source out of the registry, because the sql component needs a single {@code DataSource} there
     * @param times the time limits of its listeners
     */
    public SupervisedPgEventComponent(DataSource dataSource, ListenTimes times) {
        this.dataSource = Objects.requireNonNull(dataSource, "dataSource");
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
                    + " names no server and the component has no data source; give the component a DataSource,"
                    + " or write pgevent:host:port/database/" + channel);
        }
        SupervisedPgEventEndpoint endpoint =
                new SupervisedPgEventEndpoint("pgevent://" + channel, "pgevent:///datasource/" + channel, this);
        endpoint.setDatasource(dataSource);
        // Otherwise Camel's service listing shows the stock defaults, postgres at localhost:5432.
        endpoint.setHost(null);
        endpoint.setPort(null);
        endpoint.setUser(null);
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
        // The stock endpoint's patterns also match the query, so the part after a slash in a password would become the
        // channel.
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
}
