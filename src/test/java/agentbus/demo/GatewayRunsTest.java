package agentbus.demo;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Slots, sessions and idempotency of the simulated gateway. */
class GatewayRunsTest {

    private static final String DEVOPS = "/hooks/job/devops";

    private final TestGatewayOptions options = TestGatewayOptions.defaults(HookClient.TOKEN);
    private final TestGatewayOptions impatient = options.withAdmission(Duration.ofMillis(300), Duration.ZERO);
    private final HeldRuns held = new HeldRuns();
    private TestGateway gateway = new TestGateway(options, held);
    private HookClient client = new HookClient(gateway);

    private void restartWith(TestGatewayOptions changed, RunHandler handler) {
        gateway.close();
        gateway = new TestGateway(changed, handler);
        client = new HookClient(gateway);
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private static String runId(HttpResponse<String> response) {
        return response.body().replaceAll(".*\"runId\":\"([^\"]+)\".*", "$1");
    }

    @Test
    void eight_run_at_once_and_the_rest_is_refused_after_the_window_and_never_starts() {
        restartWith(impatient, held);
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            answers.add(client.postAsync(DEVOPS, HookClient.job("J-" + i, "x")));
        }
        List<HttpResponse<String>> refused = answers.stream()
                .map(CompletableFuture::join)
                .filter(response -> response.statusCode() == 503)
                .toList();
        assertEquals(4, refused.size());
        for (HttpResponse<String> response : refused) {
            assertEquals(
                    "{\"ok\":false,\"error\":\"hook agent run did not start before admission timeout\",\"runId\":\""
                            + runId(response) + "\"}",
                    response.body());
        }
        held.endAll(8);
        await().until(() -> gateway.ledger().running() == 0);
        assertEquals(8, gateway.ledger().runsStarted());
        assertEquals(8, gateway.ledger().maxConcurrent());
        assertEquals(8, gateway.ledger().maxConcurrent("devops"));
        assertEquals(4, gateway.ledger().answers(503));
    }

    @Test
    void a_freed_slot_goes_to_who_waited_longest() {
        restartWith(options.withMaxRuns(1), held);
        client.postAsync(DEVOPS, HookClient.job("J-1", "x")).join();
        CompletableFuture<HttpResponse<String>> second = client.postAsync(DEVOPS, HookClient.job("J-2", "x"));
        await().until(() -> gateway.ledger().requestsReceived() == 2);
        assertFalse(second.isDone());
        held.endFirst();
        assertEquals(200, second.join().statusCode());
        assertEquals(1, gateway.ledger().maxConcurrent());
    }

    @Test
    void runs_of_one_session_are_serialized() throws Exception {
        assertEquals(200, client.post(DEVOPS, HookClient.job("J-1", "first")).statusCode());
        CompletableFuture<HttpResponse<String>> second = client.postAsync(DEVOPS, HookClient.job("j-1", "second"));
        await().until(() -> gateway.ledger().requestsReceived() == 2 && held.runs.size() == 1);
        assertEquals(200, client.post(DEVOPS, HookClient.job("J-2", "other")).statusCode());
        await().until(() -> held.runs.size() == 2);
        assertFalse(second.isDone());
        held.endFirst();
        assertEquals(200, second.join().statusCode());
        await().until(() -> held.runs.size() == 3);
        assertEquals("second", held.runs.get(2).message());
    }

    @Test
    void a_busy_session_refuses_after_the_window() throws Exception {
        restartWith(impatient, held);
        client.post(DEVOPS, HookClient.job("J-1", "first"));
        assertEquals(503, client.post(DEVOPS, HookClient.job("J-1", "second")).statusCode());
        held.endAll(1);
        await().until(() -> gateway.ledger().running() == 0);
        assertEquals(1, gateway.ledger().runsStarted());
    }

    @Test
    void the_same_key_gets_the_same_run_while_it_runs_and_after_its_end() throws Exception {
        String body = HookClient.job("J-1", "x");
        String first = runId(client.post(DEVOPS, "J-1-1", body));
        assertEquals(first, runId(client.post(DEVOPS, "J-1-1", body)));
        held.endAll(1);
        await().until(() -> gateway.ledger().running() == 0);
        assertEquals(first, runId(client.post(DEVOPS, "J-1-1", body)));
        assertEquals(1, gateway.ledger().runsStarted());
        assertEquals(
                1,
                gateway.ledger().requests().stream()
                        .map(GatewayLedger.ReceivedRequest::bodySha256)
                        .distinct()
                        .count());
    }

    @Test
    void the_key_may_be_in_any_of_three_places() throws Exception {
        String body = "{\"message\":\"x\"}";
        String first = runId(client.post("/hooks/agent", "K", body));
        assertEquals(
                first, runId(client.send(client.hook("/hooks/agent", body).header("X-OpenClaw-Idempotency-Key", "K"))));
        assertEquals(first, runId(client.post("/hooks/agent", "{\"idempotencyKey\":\"K\",\"message\":\"x\"}")));
        assertEquals(1, gateway.ledger().runsStarted());
    }

    @Test
    void a_retry_may_ask_to_wait_for_the_end() throws Exception {
        client.post("/hooks/agent", "{\"idempotencyKey\":\"K\",\"message\":\"x\"}");
        CompletableFuture<HttpResponse<String>> waiting = client.postAsync(
                "/hooks/agent", "{\"idempotencyKey\":\"K\",\"message\":\"x\",\"waitForCompletion\":true}");
        await().until(() -> gateway.ledger().requestsReceived() == 2);
        held.endAll(1);
        assertTrue(waiting.join().body().contains("\"completion\":{\"status\":\"ok\""));
    }

    @Test
    void the_same_key_with_another_message_is_a_new_run() throws Exception {
        String first = runId(client.post("/hooks/agent", "K", "{\"message\":\"one\"}"));
        assertNotEquals(first, runId(client.post("/hooks/agent", "K", "{\"message\":\"two\"}")));
        assertEquals(2, gateway.ledger().runsStarted());
    }

    @Test
    void a_key_is_forgotten_after_the_window_or_when_too_many_ended() throws Exception {
        RunHandler atOnce = run -> CompletableFuture.completedFuture(null);
        restartWith(options.withIdempotency(Duration.ofMillis(50), 1_000), atOnce);
        String first = runId(client.post(DEVOPS, "K", HookClient.job("J-1", "x")));
        await().until(() -> !first.equals(runId(client.post(DEVOPS, "K", HookClient.job("J-1", "x")))));
        restartWith(options.withIdempotency(Duration.ofMinutes(5), 1), atOnce);
        String second = runId(client.post(DEVOPS, "K", HookClient.job("J-1", "x")));
        client.post(DEVOPS, "L", HookClient.job("J-2", "x"));
        await().until(() -> !second.equals(runId(client.post(DEVOPS, "K", HookClient.job("J-1", "x")))));
    }

    @Test
    void a_refused_admission_leaves_its_key_free() throws Exception {
        restartWith(impatient.withMaxRuns(1), held);
        client.post(DEVOPS, "K-1", HookClient.job("J-1", "x"));
        assertEquals(503, client.post(DEVOPS, "K-2", HookClient.job("J-2", "x")).statusCode());
        held.endAll(1);
        await().until(() -> gateway.ledger().running() == 0);
        assertEquals(200, client.post(DEVOPS, "K-2", HookClient.job("J-2", "x")).statusCode());
        assertEquals(2, gateway.ledger().runsStarted());
    }

    @Test
    void a_run_that_takes_too_long_is_aborted_and_frees_its_slot() throws Exception {
        HttpResponse<String> response =
                client.post("/hooks/agent", "{\"message\":\"x\",\"timeoutSeconds\":0.1,\"waitForCompletion\":true}");
        assertTrue(response.body().contains("\"status\":\"error\""), response.body());
        await().until(() -> !held.ends.isEmpty() && held.ends.get(0).isCancelled());
        await().until(() -> gateway.ledger().runsEnded(RunEnd.TIMEOUT) == 1);
        await().until(() -> gateway.ledger().running() == 0);
    }

    @Test
    void an_admission_can_be_slow() throws Exception {
        restartWith(options.withAdmission(Duration.ofSeconds(15), Duration.ofMillis(150)), held);
        long start = System.nanoTime();
        assertEquals(200, client.post(DEVOPS, HookClient.job("J-1", "x")).statusCode());
        assertTrue(System.nanoTime() - start >= 150_000_000L);
    }

    @Test
    void a_mapped_prompt_is_bare_and_a_direct_one_is_wrapped() throws Exception {
        client.post(DEVOPS, HookClient.job("J-1", "do it"));
        await().until(() -> held.runs.size() == 1);
        client.post("/hooks/agent", "{\"message\":\"do it\",\"name\":\"n\"}");
        await().until(() -> held.runs.size() == 2);
        assertTrue(held.runs.get(0).prompt().matches("\\[cron:[0-9a-f-]{36} dispatcher J-1] do it"));
        assertTrue(held.runs.get(1).prompt().startsWith(AdmittedRun.UNTRUSTED_NOTICE));
    }

    @Test
    void the_ledger_keeps_the_newest_entries_and_counts_all() throws Exception {
        restartWith(options.withLedgerEntries(2), run -> CompletableFuture.completedFuture(null));
        for (int i = 0; i < 5; i++) {
            client.post(DEVOPS, "K-" + i, HookClient.job("J-" + i, "x"));
        }
        await().until(() -> gateway.ledger().runsEnded(RunEnd.OK) == 5);
        GatewayLedger ledger = gateway.ledger();
        assertEquals(
                List.of("J-3", "J-4"),
                ledger.runs().stream().map(GatewayLedger.StartedRun::jobId).toList());
        assertEquals(2, ledger.requests().size());
        assertEquals(5, ledger.requestsReceived());
        assertEquals(5, ledger.runsStarted("devops"));
        assertEquals(Optional.of(RunEnd.OK), ledger.runs().get(1).end());
        assertEquals("K-4", ledger.requests().get(1).idempotencyKey());
        assertEquals(200, ledger.requests().get(1).status());
    }

    @Test
    void many_runs_all_start_once() {
        restartWith(options.withLedgerEntries(100), run -> CompletableFuture.completedFuture(null));
        int runs = 2_000;
        List<CompletableFuture<HttpResponse<String>>> window = new ArrayList<>();
        for (int i = 0; i < runs; i++) {
            window.add(client.postAsync(DEVOPS, HookClient.job("J-" + i, "x")));
            if (window.size() == 50) {
                window.forEach(answer -> assertEquals(200, answer.join().statusCode()));
                window.clear();
            }
        }
        await().until(() -> gateway.ledger().runsEnded(RunEnd.OK) == runs);
        assertEquals(runs, gateway.ledger().runsStarted());
        assertTrue(gateway.ledger().maxConcurrent() <= 8);
    }
}
