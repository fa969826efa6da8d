package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.Test;

/** A dispatcher's heartbeat, its held attempts, and its rules for a quiet bus. */
class DispatcherTest {
    private static final URI URL = URI.create("http://127.0.0.1:18789");

    private final Gateways gateways = new Gateways(List.of(
            new Gateway("default", URL, Gateway.Form.MAPPED, "hook", "", 7, 300),
            new Gateway("east", URL, Gateway.Form.MAPPED, "hook", "operator", 7, 300),
            new Gateway("west", URL, Gateway.Form.MAPPED, "", "operator", 7, 300)));
    private static final String ATTEMPT = "0197a0a0-0000-7000-8000-000000000001";

    private final AtomicBoolean listening = new AtomicBoolean(true);
    private final Dispatcher dispatcher = dispatcher();
    private final HookCalls hookCalls = new HookCalls(dispatcher);

    @Test
    void each_start_is_another_dispatcher() {
        assertNotEquals(dispatcher.id(), dispatcher().id());
        assertTrue(dispatcher.id().contains("-" + ProcessHandle.current().pid() + "-"), dispatcher.id());
    }

    @Test
    void a_claim_asks_for_a_batch_under_a_lease() {
        assertEquals(
                Map.of("dispatcher", dispatcher.id(), "limit", 50, "leaseMs", 12_000L, "gateways", "default,east"),
                dispatcher.claimParameters());
    }

    @Test
    void a_claim_leaves_out_gateways_that_are_not_reached_or_have_no_token() {
        gateways.reached("east", false);
        assertEquals("default", dispatcher.claimParameters().get("gateways"));
        gateways.reached("east", true);
        assertEquals("default,east", dispatcher.claimParameters().get("gateways"));
        assertEquals(Map.of("gateways", "east", "withoutToken", "default"), gateways.abortParameters());
    }

    @Test
    void a_heartbeat_tells_all_that_others_judge_it_by() throws Exception {
        dispatcher.hold(ATTEMPT);
        listening.set(false);
        JsonNode heartbeat = heartbeat();
        assertEquals("listen", heartbeat.path("wakeSource").textValue());
        assertFalse(heartbeat.path("listenerConnected").booleanValue());
        assertEquals(4.0, heartbeat.path("beatSeconds").doubleValue());
        assertEquals(12_000, heartbeat.path("leaseMs").intValue());
        assertEquals("1.2.3", heartbeat.path("version").textValue());
        assertEquals(ProcessHandle.current().pid(), heartbeat.path("pid").longValue());
        assertEquals(ATTEMPT, heartbeat.path("attempts").path(0).textValue());
        assertEquals(1, heartbeat.path("attempts").size());
    }

    @Test
    void ages_begin_anew_with_each_sweep_and_heartbeat() throws Exception {
        assertTrue(dispatcher.sweepAgeMs() >= 0);
        dispatcher.queueChecked();
        dispatcher.heartbeatWritten("{}");
        assertTrue(dispatcher.sweepAgeMs() < 10_000);
        assertTrue(dispatcher.heartbeatAgeMs() < 10_000);
    }

    @Test
    void a_quiet_bus_that_listens_sweeps_rarely_until_it_is_notified() throws Exception {
        dispatcher.queueChecked();
        assertTrue(dispatcher.sweepDue(), "nothing is known of the queue yet");
        dispatcher.heartbeatWritten("{\"quiet\":true}");
        listening.set(true);
        assertFalse(dispatcher.sweepDue());
        listening.set(false);
        assertTrue(dispatcher.sweepDue(), "what comes would not be heard");
        listening.set(true);
        dispatcher.notified();
        assertTrue(dispatcher.sweepDue());
        dispatcher.heartbeatWritten("{\"quiet\":false}");
        assertTrue(dispatcher.sweepDue());
    }

    @Test
    void a_dispatcher_needs_no_look_for_its_own_notification() throws Exception {
        dispatcher.queueChecked();
        dispatcher.heartbeatWritten("{\"quiet\":true}");
        listening.set(true);
        assertFalse(dispatcher.heard((String) dispatcher.notification().get("dispatcher")));
        assertFalse(dispatcher.sweepDue());
        assertTrue(dispatcher.heard("another"));
        assertTrue(dispatcher.sweepDue());
        assertTrue(dispatcher.heard(null), "the listener has connected again");
    }

    @Test
    void on_a_quiet_bus_every_fourth_recovery_is_enough() throws Exception {
        assertTrue(dispatcher.recoveryDue(), "nothing is known of the queue yet");
        dispatcher.heartbeatWritten("{\"quiet\":true}");
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 3; i++) {
                assertFalse(dispatcher.recoveryDue());
            }
            assertTrue(dispatcher.recoveryDue());
        }
        dispatcher.notified();
        assertTrue(dispatcher.recoveryDue());
    }

    @Test
    void on_a_quiet_bus_every_third_look_at_the_questions_is_enough() throws Exception {
        assertTrue(dispatcher.questionsDue(), "nothing is known of the bus yet");
        dispatcher.heartbeatWritten("{\"quiet\":true}");
        for (int round = 0; round < 2; round++) {
            assertFalse(dispatcher.questionsDue());
            assertFalse(dispatcher.questionsDue());
            assertTrue(dispatcher.questionsDue());
        }
        assertFalse(dispatcher.countDue(), "the counts have a number of their own");
        assertFalse(dispatcher.runsDue());
        dispatcher.heartbeatWritten("{\"quiet\":false}");
        assertTrue(dispatcher.questionsDue());
        assertTrue(dispatcher.countDue());
        assertTrue(dispatcher.runsDue());
    }

    @Test
    void a_heartbeat_that_was_under_way_when_a_notification_came_does_not_quiet_the_bus() throws Exception {
        dispatcher.queueChecked();
        dispatcher.heartbeatParameters();
        dispatcher.notified();
        dispatcher.heartbeatWritten("{\"quiet\":true}");
        assertTrue(dispatcher.sweepDue());
        dispatcher.heartbeatParameters();
        dispatcher.heartbeatWritten("{\"quiet\":true,\"alone\":true}");
        assertFalse(dispatcher.sweepDue());
        assertTrue(dispatcher.alone());
    }

    @Test
    void a_claimed_row_becomes_a_hook_call_whose_attempt_is_held() throws Exception {
        Map<String, Object> hookCall = hookCalls.fromClaim(
                Map.of("claimed", "{\"attemptId\":\"" + ATTEMPT + "\",\"jobId\":\"j\",\"payload\":{\"b\":1,\"a\":2}}"));
        assertEquals(dispatcher.id(), hookCall.get("dispatcher"));
        assertEquals("j", hookCall.get("jobId"));
        assertEquals(1, dispatcher.heldAttempts());
    }

    @Test
    void an_attempt_is_released_when_its_hook_call_ends_well_or_not() throws Exception {
        DefaultCamelContext context = new DefaultCamelContext();
        try {
            context.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("direct:call-hook")
                            .errorHandler(noErrorHandler())
                            .bean(hookCalls, "releaseWhenDone")
                            .to("direct:next");
                    from("direct:next").errorHandler(noErrorHandler()).process(DispatcherTest.this::step);
                }
            });
            context.start();
            ProducerTemplate template = context.createProducerTemplate();
            for (boolean fails : new boolean[] {false, true}) {
                Map<String, Object> hookCall = hookCalls.fromClaim(
                        Map.of("claimed", "{\"attemptId\":\"" + ATTEMPT + "\",\"fails\":" + fails + "}"));
                Exchange done = template.request(
                        "direct:call-hook", exchange -> exchange.getMessage().setBody(new HashMap<>(hookCall)));
                assertEquals(fails, done.isFailed());
                assertEquals(0, dispatcher.heldAttempts());
            }
        } finally {
            context.stop();
        }
    }

    private void step(Exchange exchange) {
        // A route that shares the exchange still holds the attempt.
        assertEquals(1, dispatcher.heldAttempts());
        if (Boolean.TRUE.equals(exchange.getMessage().getBody(Map.class).get("fails"))) {
            throw new IllegalStateException("on purpose");
        }
    }

    private JsonNode heartbeat() throws Exception {
        return Json.read((String) dispatcher.heartbeatParameters().get("heartbeat"));
    }

    private Dispatcher dispatcher() {
        return new Dispatcher(
                "1.2.3",
                "listen",
                Duration.ofHours(1),
                Duration.ofSeconds(4),
                Duration.ofSeconds(12),
                50,
                gateways,
                listening::get);
    }
}
