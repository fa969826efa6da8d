package agentbus.harness;

import agentbus.demo.SimulatedGateway;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.api.management.ManagedCamelContext;

/** A bus on a test's database and a free port, with short intervals. */
public final class TestBus implements AutoCloseable {
    /** The hook token of all test gateways. */
    public static final String HOOK_TOKEN = "hook-token-of-tests";

    private final Bus bus;
    private final Path home;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private TestBus(Bus bus, Path home) {
        this.bus = bus;
        this.home = home;
    }

    /**
     * Starts a bus.
     *
     * @param database the database of the bus
     * @param gateway the gateway, or null for a node that does not dispatch
     * @param home a directory of the test, which holds the server key; all buses of a test share it
     * @param settings more settings: key, value, key, value …
     * @return the running bus
     */
    public static TestBus start(TestDatabase database, SimulatedGateway gateway, Path home, String... settings) {
        return start(database.url(), gateway, home, settings);
    }

    /**
     * Starts a bus on another database than a {@link TestDatabase}.
     *
     * @param databaseUrl the database's URL, for {@code DATABASE_URL}
     * @param gateway the gateway, or null for a node that does not dispatch
     * @param home a directory of the test
     * @param settings more settings: key, value, key, value …
     * @return the running bus
     */
    public static TestBus start(String databaseUrl, SimulatedGateway gateway, Path home, String... settings) {
        Map<String, String> all = settings(databaseUrl, gateway, settings);
        return new TestBus(Bus.start(Settings.load(home, Map.of(), all), Map.of(), List.of(), Map.of()), home);
    }

    /**
     * The settings of a test's bus: a free port and short intervals.
     *
     * @param databaseUrl the database's URL, for {@code DATABASE_URL}
     * @param gateway the gateway, or null for a node that does not dispatch
     * @param settings overriding settings: key, value, key, value …
     * @return settings by key
     */
    public static Map<String, String> settings(String databaseUrl, SimulatedGateway gateway, String... settings) {
        Map<String, String> all = new HashMap<>();
        all.put("agentbus.database.url", databaseUrl);
        all.put("agentbus.http.port", "0");
        all.put("agentbus.agents.dir", Path.of("agents").toAbsolutePath().toString());
        all.put("agentbus.dispatch.sweep-ms", "200");
        all.put("agentbus.dispatch.recover-ms", "200");
        all.put("agentbus.dispatch.beat-ms", "300");
        all.put("agentbus.dispatch.lease-ms", "10000");
        all.put("agentbus.orders.enabled", "false");
        all.put("agentbus.stop.drain-seconds", "5");
        // A stop waits for the queue of one route after the other, so that most of its time would be this poll.
        all.put("camel.component.seda.defaultPollTimeout", "40");
        // Tests count the exchanges of a route.
        all.put("camel.main.jmxEnabled", "true");
        // All tests of wrong tokens come from one address.
        all.put("agentbus.limits.bad-tokens-per-minute", "1000");
        if (gateway != null) {
            all.put("agentbus.gateway.url", "http://127.0.0.1:" + gateway.url().getPort());
            all.put("agentbus.gateway.token", HOOK_TOKEN);
        }
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return all;
    }

    /** The bus. */
    public Bus bus() {
        return bus;
    }

    /** The token of the first operator. */
    public String operatorToken() throws IOException {
        return Files.readString(home.resolve("data/operator.token")).strip();
    }

    /**
     * Calls the API.
     *
     * @param method the HTTP method
     * @param path the path and the query, from /v1 on
     * @param token a bearer token, or null
     * @param body a JSON body, or null
     * @return the answer
     */
    public HttpResponse<String> call(String method, String path, String token, String body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(bus.url() + path))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    /**
     * Counts the exchanges that a route has finished.
     *
     * @param routeId the route's id
     * @return the number of exchanges, failed ones included
     */
    public long exchanges(String routeId) {
        try {
            return bus.camel()
                    .getCamelContextExtension()
                    .getContextPlugin(ManagedCamelContext.class)
                    .getManagedRoute(routeId)
                    .getExchangesTotal();
        } catch (Exception e) {
            throw new IllegalStateException("no numbers of route " + routeId, e);
        }
    }

    @Override
    public void close() {
        bus.close();
    }
}
