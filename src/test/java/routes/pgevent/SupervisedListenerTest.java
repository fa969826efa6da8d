package routes.pgevent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.apache.camel.ResolveEndpointFailedException;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.direct.DirectComponent;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.component.pgevent.PgEventEndpoint;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckHelper;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.main.Main;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class SupervisedListenerTest {

    @TempDir
    static Path directory;

    private static Server server;

    @BeforeAll
    static void startServer() {
        server = new Server(directory.resolve("data"));
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @AfterEach
    void nothing_is_left_behind() {
        await().atMost(Duration.ofSeconds(60)).until(() -> Ear.threads() == 0);
        await().until(() -> server.listenerPids().isEmpty());
    }

    @Test
    void a_notification_arrives_once_with_its_channel() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(ear::connected);
            server.notify("jobs_ready", "7");
            server.notify("another", "8");
            server.notify("jobs_ready", "9");
            await().until(() -> ear.payloads.size() >= 2);
            assertEquals(List.of("jobs_ready:7", "jobs_ready:9"), ear.payloads);
            assertEquals(2, ear.status().notifications());
        }
    }

    @Test
    void a_burst_arrives_whole_and_in_order() throws Exception {
        try (Ear ear = Ear.at(server.address(), "burst")) {
            await().until(ear::connected);
            server.query("select pg_notify('burst', n::text) from generate_series(1, 5000) n");
            await().until(() -> ear.payloads.size() >= 5000);
            assertEquals("burst:1", ear.payloads.get(0));
            assertEquals("burst:5000", ear.payloads.get(4999));
            assertEquals(5000, ear.payloads.size());
        }
    }

    @Test
    void a_listener_comes_back_after_each_of_twenty_terminations() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(ear::connected);
            long slowest = 0;
            for (int i = 1; i <= 20; i++) {
                long before = System.nanoTime();
                int connects = i + 1;
                server.terminateListeners();
                await().pollInterval(Duration.ofMillis(10))
                        .until(() -> ear.status().connects() == connects && ear.connected());
                slowest = Math.max(slowest, System.nanoTime() - before);
                server.notify("jobs_ready", String.valueOf(i));
                await().until(() -> ear.payloads.size() == connects - 1);
                assertEquals(1, server.listenerPids().size());
            }
            server.notify("jobs_ready", "last");
            await().until(() -> ear.payloads.contains("jobs_ready:last"));
            assertEquals(21, ear.payloads.size());
            assertEquals(21, ear.resyncs.get());
            assertEquals(20, ear.status().reconnects());
            LoggerFactory.getLogger(getClass()).info("Slowest return: {} ms", slowest / 1_000_000);
        }
    }

    @Test
    void one_resync_follows_each_connect() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(() -> ear.resyncs.get() == 1);
            server.terminateListeners();
            await().until(() -> ear.resyncs.get() == 2);
            assertEquals(2, ear.status().connects());
            assertTrue(ear.payloads.isEmpty());
        }
    }

    @Test
    void a_connection_that_falls_silent_is_replaced() throws Exception {
        ListenTimes quick = new ListenTimes(
                Duration.ofSeconds(5),
                Duration.ofMillis(300),
                Duration.ofSeconds(1),
                Duration.ofMillis(50),
                Duration.ofMillis(200));
        try (Ear ear = new Ear(new SupervisedPgEventComponent(server.address(), quick), "pgevent:jobs_ready")) {
            await().until(ear::connected);
            int frozen = server.listenerPids().get(0);
            signal("STOP", frozen);
            try {
                await().atMost(Duration.ofSeconds(60)).until(() -> ear.status().connects() == 2 && ear.connected());
                server.notify("jobs_ready", "heard");
                await().until(() -> ear.payloads.equals(List.of("jobs_ready:heard")));
            } finally {
                signal("CONT", frozen);
            }
            await().until(() -> server.listenerPids().size() == 1);
            assertNotEquals(frozen, server.listenerPids().get(0));
        }
    }

    @Test
    void stop_suspend_and_close_leave_no_connection_and_no_thread() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(() -> ear.resyncs.get() == 1);
            ear.context.getRouteController().suspendRoute(Ear.ROUTE);
            await().until(() -> server.listenerPids().isEmpty());
            await().atMost(Duration.ofSeconds(60)).until(() -> Ear.threads() == 0);
            assertEquals(HealthCheck.State.UP, ear.readiness().getState());

            ear.context.getRouteController().resumeRoute(Ear.ROUTE);
            await().until(() -> ear.resyncs.get() == 2);
            server.notify("jobs_ready", "after");
            await().until(() -> ear.payloads.equals(List.of("jobs_ready:after")));

            ear.context.getRouteController().stopRoute(Ear.ROUTE);
            await().until(() -> server.listenerPids().isEmpty());
            ear.context.getRouteController().startRoute(Ear.ROUTE);
            await().until(() -> ear.resyncs.get() == 3);
            assertEquals(1, server.listenerPids().size());

            ear.context.suspend();
            await().until(() -> server.listenerPids().isEmpty());
            ear.context.resume();
            await().until(() -> ear.resyncs.get() == 4);
        }
    }

    @Test
    void a_notification_that_the_route_fails_on_does_not_stop_the_next() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(ear::connected);
            server.notify("jobs_ready", Ear.POISON);
            server.notify("jobs_ready", "next");
            await().until(() -> ear.payloads.equals(List.of("jobs_ready:next")));
            assertEquals(1, server.listenerPids().size());
        }
    }

    @Test
    void a_channel_may_bear_a_reserved_word() throws Exception {
        try (Ear ear = Ear.at(server.address(), "user")) {
            await().until(ear::connected);
            server.notify("user", "7");
            await().until(() -> ear.payloads.equals(List.of("user:7")));
        }
    }

    @Test
    void a_producer_still_notifies() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(ear::connected);
            ear.context.createProducerTemplate().sendBody("pgevent:jobs_ready", "from a route");
            await().until(() -> ear.payloads.equals(List.of("jobs_ready:from a route")));
        }
    }

    @Test
    void more_notifications_than_can_wait_become_a_resync() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(() -> ear.resyncs.get() == 1);
            ear.gate.acquire();
            server.query("select pg_notify('jobs_ready', n::text) from generate_series(1, 10500) n");
            await().until(() -> ear.status().notifications() == 10_500);
            ear.gate.release();
            await().until(() -> ear.resyncs.get() == 2 && ear.payloads.size() > 9_999);
            assertTrue(ear.payloads.size() < 10_500);
            assertEquals(1, ear.status().connects());
        }
    }

    @Test
    void a_stop_lets_the_exchange_under_way_finish() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            await().until(() -> ear.resyncs.get() == 1);
            ear.gate.acquire();
            server.notify("jobs_ready", "under way");
            await().until(() -> ear.context.getInflightRepository().size() == 1);
            CompletableFuture<Void> stop = CompletableFuture.runAsync(ear.context::stop);
            await().until(() -> server.listenerPids().isEmpty());
            assertFalse(stop.isDone());
            ear.gate.release();
            stop.join();
            assertEquals(List.of("jobs_ready:under way"), ear.payloads);
        }
    }

    @Test
    void the_registry_decides_which_component_serves_the_scheme() throws Exception {
        try (Ear ear = Ear.at(server.address(), "jobs_ready")) {
            assertSame(ear.component, ear.context.getComponent("pgevent"));
            PgEventEndpoint endpoint = ear.context.getEndpoint("pgevent:jobs_ready", PgEventEndpoint.class);
            assertEquals("jobs_ready", endpoint.getChannel());
            assertEquals("pgevent://jobs_ready", endpoint.getEndpointUri());
            await().until(ear::connected);
        }
    }

    @Test
    void the_stock_uri_with_host_and_database_works_and_shows_no_password() throws Exception {
        String uri = "pgevent:localhost:" + server.port() + "/postgres/jobs_ready?user=postgres&pass=se/cret";
        try (Ear ear = new Ear(new SupervisedPgEventComponent(), uri)) {
            await().until(ear::connected);
            server.notify("jobs_ready", "7");
            await().until(() -> ear.payloads.equals(List.of("jobs_ready:7")));
            String shown = ear.context.getRoute(Ear.ROUTE).getEndpoint().toString();
            assertFalse(shown.contains("cret"), shown);
        }
    }

    @Test
    void the_stock_uri_with_a_data_source_works() throws Exception {
        DataSource source = server.address();
        try (DefaultCamelContext context = new DefaultCamelContext()) {
            context.getRegistry().bind("pgevent", new SupervisedPgEventComponent());
            context.getRegistry().bind("x", source);
            PgEventEndpoint endpoint =
                    context.getEndpoint("pgevent:///postgres/jobs_ready?datasource=#x", PgEventEndpoint.class);
            assertSame(source, endpoint.getDatasource());
            assertEquals("jobs_ready", endpoint.getChannel());
        }
    }

    @Test
    void a_channel_that_listen_would_fold_is_refused() throws Exception {
        assertRefused("pgevent:JobsReady", "LISTEN folds upper case");
        assertRefused("pgevent:localhost:5432/postgres/JobsReady", "LISTEN folds upper case");
        assertRefused("pgevent:jobs-ready", "[a-z_][a-z0-9_]*");
        assertRefused("pgevent:" + "x".repeat(64), "63 characters");
    }

    @Test
    void a_uri_of_no_known_form_is_refused() throws Exception {
        assertRefused("pgevent:postgres/jobs_ready/more/parts", "is not one of");
        assertRefused("pgevent:jobs_ready?workerPoolMaxSize=3", "workerPoolMaxSize has no effect");
    }

    @Test
    void health_is_down_with_channel_and_reason_until_the_listener_is_back() throws Exception {
        ListenTimes slow = new ListenTimes(
                Duration.ofSeconds(5),
                Duration.ofSeconds(3),
                Duration.ofSeconds(2),
                Duration.ofSeconds(2),
                Duration.ofSeconds(2));
        try (Ear ear = new Ear(new SupervisedPgEventComponent(server.address(), slow), "pgevent:jobs_ready")) {
            await().until(ear::connected);
            assertEquals(HealthCheck.State.UP, ear.readiness().getState());
            assertEquals(0L, ear.readiness().getDetails().get("jobs_ready.reconnects"));
            assertTrue(HealthCheckHelper.invokeLiveness(ear.context).stream()
                    .noneMatch(result -> result.getCheck().getId().equals(ListenerHealthCheck.ID)));

            server.terminateListeners();
            await().until(() -> !ear.connected());
            HealthCheck.Result down = ear.readiness();
            assertEquals(HealthCheck.State.DOWN, down.getState());
            String message = down.getMessage().orElseThrow();
            assertTrue(message.contains("channel jobs_ready is not heard since 20"), message);
            assertTrue(message.contains("the connection was closed"), message);

            await().until(ear::connected);
            assertEquals(HealthCheck.State.UP, ear.readiness().getState());
            assertEquals(1L, ear.readiness().getDetails().get("jobs_ready.reconnects"));
        }
    }

    @Test
    void a_password_is_used_and_never_shown() throws Exception {
        server.execute("create role bus login password 'pw-4711'");
        Path rules = Path.of(server.query("show hba_file").get(0));
        Files.writeString(rules, "host all bus all scram-sha-256\n" + Files.readString(rules));
        server.query("select pg_reload_conf()::text");

        DataSource right = Server.address(server.port(), "bus", "pw-4711");
        try (Ear ear = Ear.at(right, "jobs_ready")) {
            await().until(ear::connected);
        }
        DataSource wrong = Server.address(server.port(), "bus", "pw-0815");
        try (Ear ear = Ear.at(wrong, "jobs_ready")) {
            await().until(() -> ear.status().lastError() != null);
            String shown = ear.readiness().getMessage().orElseThrow()
                    + ear.readiness().getDetails()
                    + ear.status()
                    + wrong
                    + ear.context.getEndpoints();
            assertTrue(shown.contains("authentication failed"), shown);
            assertFalse(shown.contains("pw-0815"), shown);
        }
    }

    @Test
    void the_first_resync_waits_for_routes_that_start_later() throws Exception {
        try (DefaultCamelContext context = new DefaultCamelContext()) {
            context.getRegistry()
                    .bind("pgevent", new SupervisedPgEventComponent(server.address(), ListenTimes.defaults()));
            context.getComponent("direct", DirectComponent.class).setBlock(false);
            AtomicInteger swept = new AtomicInteger();
            context.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("pgevent:jobs_ready").startupOrder(1).to("direct:sweep");
                    from("direct:sweep").startupOrder(2).process(exchange -> swept.incrementAndGet());
                }
            });
            context.start();
            await().until(() -> swept.get() == 1);
        }
    }

    @Test
    void a_yaml_route_hears_through_a_bean_bound_in_main() throws Exception {
        SupervisedPgEventComponent component = new SupervisedPgEventComponent(server.address(), ListenTimes.defaults());
        String yaml =
                """
                - route:
                    id: hear-jobs-ready
                    from:
                      uri: pgevent:jobs_ready
                      steps:
                        - to: mock:heard
                """;
        Main main = new Main();
        main.bind("pgevent", component);
        try {
            main.start();
            PluginHelper.getRoutesLoader(main.getCamelContext())
                    .loadRoutes(ResourceHelper.fromString("hear-jobs-ready.yaml", yaml));
            await().until(() -> component.listeners().stream().anyMatch(ListenerStatus::connected));
            assertEquals("hear-jobs-ready", component.listeners().get(0).routeId());
            server.notify("jobs_ready", "7");
            MockEndpoint heard = main.getCamelContext().getEndpoint("mock:heard", MockEndpoint.class);
            await().until(() -> heard.getReceivedCounter() == 2);
            HealthCheck check = HealthCheckRegistry.get(main.getCamelContext())
                    .getCheck(ListenerHealthCheck.ID)
                    .orElseThrow();
            assertEquals(HealthCheck.State.UP, check.call().getState());
        } finally {
            main.stop();
        }
    }

    private static void assertRefused(String uri, String reason) throws Exception {
        try (DefaultCamelContext context = new DefaultCamelContext()) {
            context.getRegistry()
                    .bind("pgevent", new SupervisedPgEventComponent(server.address(), ListenTimes.defaults()));
            Exception refusal = assertThrows(ResolveEndpointFailedException.class, () -> context.getEndpoint(uri));
            assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
        }
    }

    private static void signal(String name, int pid) throws Exception {
        int status = new ProcessBuilder("kill", "-" + name, String.valueOf(pid))
                .start()
                .waitFor();
        assertEquals(0, status);
    }
}
