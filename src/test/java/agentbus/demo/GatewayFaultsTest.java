package agentbus.demo;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drain, crash, restart and injected faults of the simulated gateway. */
class GatewayFaultsTest {

    private static final String DEVOPS = "/hooks/job/devops";
    private static final String BODY = HookClient.job("J-1", "x");

    private final HeldRuns held = new HeldRuns();
    private final TestGateway gateway =
            new TestGateway(TestGatewayOptions.defaults(HookClient.TOKEN).withMaxRuns(1), held);
    private final HookClient client = new HookClient(gateway);

    @AfterEach
    void close() {
        gateway.close();
    }

    @Test
    void a_draining_gateway_refuses_at_once_and_lets_its_runs_finish() throws Exception {
        CompletableFuture<HttpResponse<String>> waiter =
                client.postAsync("/hooks/agent", "{\"message\":\"x\",\"waitForCompletion\":true}");
        await().until(() -> held.runs.size() == 1);
        gateway.drain();
        HttpResponse<String> refused = client.post(DEVOPS, BODY);
        assertEquals(503, refused.statusCode());
        assertEquals("1", refused.headers().firstValue("Retry-After").orElse(""));
        assertEquals(
                "{\"error\":{\"message\":\"Gateway is temporarily unavailable while suspending or restarting\","
                        + "\"type\":\"service_unavailable\",\"code\":\"gateway_unavailable\"}}",
                refused.body());
        assertEquals(503, client.get("/readyz").statusCode());
        assertTrue(client.get("/readyz").body().contains("gateway-draining"));
        assertEquals(200, client.get("/healthz").statusCode());
        held.endAll(1);
        assertEquals(200, waiter.join().statusCode());
        gateway.resume();
        assertEquals(200, client.get("/readyz").statusCode());
        assertEquals(200, client.post(DEVOPS, BODY).statusCode());
    }

    @Test
    void a_crash_cuts_every_connection_and_kills_the_runs() throws Exception {
        CompletableFuture<HttpResponse<String>> waiter =
                client.postAsync("/hooks/agent", "{\"message\":\"x\",\"waitForCompletion\":true}");
        await().until(() -> held.runs.size() == 1);
        CompletableFuture<HttpResponse<String>> queued = client.postAsync(DEVOPS, BODY);
        await().until(() -> gateway.ledger().requestsReceived() == 2);
        gateway.crash();
        assertTrue(assertThrows(CompletionException.class, waiter::join).getCause() instanceof IOException);
        assertTrue(assertThrows(CompletionException.class, queued::join).getCause() instanceof IOException);
        assertThrows(ConnectException.class, () -> client.get("/healthz"));
        await().until(() -> held.ends.get(0).isCancelled());
        await().until(() -> gateway.ledger().runsEnded(RunEnd.KILLED) == 1);
        await().until(() -> gateway.ledger().running() == 0);
        assertEquals(1, gateway.ledger().runsStarted());
    }

    @Test
    void a_restart_keeps_the_port_and_forgets_idempotency_keys() throws Exception {
        URI before = gateway.url();
        String first = client.post(DEVOPS, "K", BODY).body();
        gateway.crash();
        gateway.restart();
        assertEquals(before, gateway.url());
        assertNotEquals(first, client.post(DEVOPS, "K", BODY).body());
        assertEquals(2, gateway.ledger().runsStarted());
    }

    @Test
    void a_closed_gateway_does_not_restart() {
        gateway.close();
        gateway.close();
        assertThrows(IllegalStateException.class, gateway::restart);
    }

    @Test
    void the_next_requests_get_a_given_answer_and_no_run() throws Exception {
        gateway.failNext(2, new Fault.Answer(429, Map.of("Retry-After", "7"), "Too Many Requests"));
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> response = client.post(DEVOPS, BODY);
            assertEquals(429, response.statusCode());
            assertEquals("7", response.headers().firstValue("Retry-After").orElse(""));
            assertTrue(response.headers().firstValue("Content-Type").orElse("").startsWith("text/plain"));
        }
        assertEquals(0, gateway.ledger().runsStarted());
        assertEquals(200, client.post(DEVOPS, BODY).statusCode());
    }

    @Test
    void a_cut_connection_leaves_a_run_behind_that_its_key_finds() throws Exception {
        gateway.failNext(1, Fault.cutConnection());
        assertThrows(IOException.class, () -> client.post(DEVOPS, "K", BODY));
        await().until(() -> held.runs.size() == 1);
        HttpResponse<String> again = client.post(DEVOPS, "K", BODY);
        assertTrue(again.body().contains(held.runs.get(0).runId()));
        assertEquals(1, gateway.ledger().runsStarted());
        assertEquals(1, gateway.ledger().answers(GatewayLedger.ReceivedRequest.CUT));
    }

    @Test
    void a_delayed_answer_comes_after_its_run_has_started() throws Exception {
        gateway.failNext(1, Fault.delayAnswer(Duration.ofMillis(800)));
        long start = System.nanoTime();
        CompletableFuture<HttpResponse<String>> answer = client.postAsync(DEVOPS, BODY);
        await().until(() -> held.runs.size() == 1);
        assertFalse(answer.isDone());
        assertEquals(200, answer.join().statusCode());
        assertTrue(System.nanoTime() - start >= 800_000_000L);
    }

    @Test
    void a_gateway_that_refuses_to_read_never_answers() throws Exception {
        gateway.failNext(1, Fault.refuseToRead());
        assertThrows(
                HttpTimeoutException.class,
                () -> client.send(client.hook(DEVOPS, BODY).timeout(Duration.ofMillis(300))));
        assertEquals(0, gateway.ledger().runsStarted());
        assertEquals(
                GatewayLedger.ReceivedRequest.UNANSWERED,
                gateway.ledger().requests().get(0).status());
        assertEquals(200, client.post(DEVOPS, BODY).statusCode());
    }

    @Test
    void a_lasting_fault_strikes_what_matches_until_it_is_removed() throws Exception {
        Runnable remove = gateway.fault(
                request -> request.agentId().equals("devops") && request.body().contains("J-1"),
                Fault.answer(502, "{\"ok\":false}"));
        assertEquals(502, client.post(DEVOPS, BODY).statusCode());
        assertEquals(502, client.post(DEVOPS, BODY).statusCode());
        assertEquals(
                200,
                client.post("/hooks/job/publisher", HookClient.job("J-2", "x")).statusCode());
        held.endAll(1);
        remove.run();
        assertEquals(200, client.post(DEVOPS, BODY).statusCode());
    }
}
