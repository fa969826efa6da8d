package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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

/** What a dispatcher says of itself, and what it has in hand. */
class DispatcherTest {
    private static final URI URL = URI.create("http://127.0.0.1:18789");

    private final Gateways gateways = new Gateways(List.of(
            new Gateway("default", URL, Gateway.Form.MAPPED, "hook", "", 7),
            new Gateway("east", URL, Gateway.Form.MAPPED, "hook", "operator", 7),
            new Gateway("west", URL, Gateway.Form.MAPPED, "", "operator", 7)));
    private static final String ATTEMPT = "0197a0a0-0000-7000-8000-000000000001";

    private final AtomicBoolean listening = new AtomicBoolean(true);
    private final Dispatcher dispatcher = dispatcher();
    private final Deliveries deliveries = new Deliveries(dispatcher);

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
    void a_beat_tells_all_that_others_judge_it_by() throws Exception {
        dispatcher.take(ATTEMPT);
        listening.set(false);
        JsonNode beat = beat();
        assertEquals("listen", beat.path("wakeSource").textValue());
        assertFalse(beat.path("listenerConnected").booleanValue());
        assertEquals(4.0, beat.path("beatSeconds").doubleValue());
        assertEquals(12_000, beat.path("leaseMs").intValue());
        assertEquals("1.2.3", beat.path("version").textValue());
        assertEquals(ProcessHandle.current().pid(), beat.path("pid").longValue());
        assertEquals(ATTEMPT, beat.path("attempts").path(0).textValue());
        assertEquals(1, beat.path("attempts").size());
    }

    @Test
    void ages_begin_anew_with_each_sweep_and_beat() throws Exception {
        assertTrue(dispatcher.sweepAgeMs() >= 0);
        dispatcher.swept();
        dispatcher.beaten("{}");
        assertTrue(dispatcher.sweepAgeMs() < 10_000);
        assertTrue(dispatcher.beatAgeMs() < 10_000);
    }

    @Test
    void a_quiet_bus_that_listens_sweeps_rarely_until_somebody_stirs_it() throws Exception {
        dispatcher.swept();
        assertTrue(dispatcher.sweepDue(), "nothing is known of the queue yet");
        dispatcher.beaten("{\"quiet\":true}");
        listening.set(true);
        assertFalse(dispatcher.sweepDue());
        listening.set(false);
        assertTrue(dispatcher.sweepDue(), "what comes would not be heard");
        listening.set(true);
        dispatcher.stirred();
        assertTrue(dispatcher.sweepDue());
        dispatcher.beaten("{\"quiet\":false}");
        assertTrue(dispatcher.sweepDue());
    }

    @Test
    void on_a_quiet_bus_every_fourth_recovery_is_enough() throws Exception {
        assertTrue(dispatcher.recoveryDue(), "nothing is known of the queue yet");
        dispatcher.beaten("{\"quiet\":true}");
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 3; i++) {
                assertFalse(dispatcher.recoveryDue());
            }
            assertTrue(dispatcher.recoveryDue());
        }
        dispatcher.stirred();
        assertTrue(dispatcher.recoveryDue());
    }

    @Test
    void a_beat_that_was_under_way_when_somebody_stirred_does_not_quiet_the_bus() throws Exception {
        dispatcher.swept();
        dispatcher.beatParameters();
        dispatcher.stirred();
        dispatcher.beaten("{\"quiet\":true}");
        assertTrue(dispatcher.sweepDue());
        dispatcher.beatParameters();
        dispatcher.beaten("{\"quiet\":true,\"alone\":true}");
        assertFalse(dispatcher.sweepDue());
        assertTrue(dispatcher.alone());
    }

    @Test
    void a_claimed_row_becomes_a_delivery_in_hand() throws Exception {
        Map<String, Object> delivery = deliveries.take(
                Map.of("claimed", "{\"attemptId\":\"" + ATTEMPT + "\",\"jobId\":\"j\",\"payload\":{\"b\":1,\"a\":2}}"));
        assertEquals(dispatcher.id(), delivery.get("dispatcher"));
        assertEquals("j", delivery.get("jobId"));
        assertEquals(1, dispatcher.inHand());
    }

    @Test
    void an_attempt_is_let_go_when_its_delivery_ends_well_or_not() throws Exception {
        DefaultCamelContext context = new DefaultCamelContext();
        try {
            context.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("direct:deliver")
                            .errorHandler(noErrorHandler())
                            .bean(deliveries, "open")
                            .to("direct:next");
                    from("direct:next").errorHandler(noErrorHandler()).process(DispatcherTest.this::step);
                }
            });
            context.start();
            ProducerTemplate template = context.createProducerTemplate();
            for (boolean fails : new boolean[] {false, true}) {
                Map<String, Object> delivery = deliveries.take(
                        Map.of("claimed", "{\"attemptId\":\"" + ATTEMPT + "\",\"fails\":" + fails + "}"));
                Exchange done = template.request(
                        "direct:deliver", exchange -> exchange.getMessage().setBody(new HashMap<>(delivery)));
                assertEquals(fails, done.isFailed());
                assertEquals(0, dispatcher.inHand());
            }
        } finally {
            context.stop();
        }
    }

    private void step(Exchange exchange) {
        // Still in hand in a route that shares the exchange.
        assertEquals(1, dispatcher.inHand());
        if (Boolean.TRUE.equals(exchange.getMessage().getBody(Map.class).get("fails"))) {
            throw new IllegalStateException("on purpose");
        }
    }

    private JsonNode beat() throws Exception {
        return new ObjectMapper().readTree((String) dispatcher.beatParameters().get("beat"));
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
