package agentbus.demo;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Agents that act by script, against a stub of the bus. */
class SimulatedAgentsTest {

    private record Received(String path, String authorization, JsonNode body) {}

    private static final Duration SHORT = Duration.ofMillis(20);

    private final List<Received> received = new CopyOnWriteArrayList<>();
    private volatile int status = 200;
    private volatile String answer = "{\"code\":\"x\"}";
    private HttpServer bus;
    private TestAgents agents;

    @BeforeEach
    void start() throws IOException {
        bus = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        bus.createContext("/", this::answer);
        bus.start();
    }

    @AfterEach
    void stop() {
        bus.stop(0);
        if (agents != null) {
            agents.close();
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            received.add(new Received(
                    exchange.getRequestURI().getPath(),
                    exchange.getRequestHeaders().getFirst("Authorization"),
                    Json.read(exchange.getRequestBody())));
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private String command(String operation, String body) {
        return "curl -sS -X POST http://127.0.0.1:" + bus.getAddress().getPort() + "/v1/attempts/A-1/" + operation
                + " -H 'Authorization: Bearer t-1' --max-time 5 \\\n  -H 'Content-Type: application/json' -d '" + body
                + "'\n";
    }

    private String prompt() {
        return "Do it. Progress:\n" + command("progress", "{\"percent\": <n>}")
                + "Done:\n"
                + command(
                        "complete",
                        "{\"attempt\":\"A-1\",\"summary\":\"<what>\",\"events\":[{\"topic\":\"<topic>\",\"payload\":{}}]}")
                + "Blocked:\n" + command("block", "{\"reason\":\"<why>\",\"unblock\":{\"agent\":\"<who>\"}}")
                + "Failed:\n" + command("fail", "{\"error\":\"<what>\",\"retryAfterSeconds\":60}");
    }

    private CompletableFuture<Void> run(String message, boolean mapped) {
        return agents.run(admitted(message, mapped)).toCompletableFuture();
    }

    private static AdmittedRun admitted(String message, boolean mapped) {
        return new AdmittedRun(
                "r-1",
                "devops",
                "agent:devops:job:j-1",
                message,
                "dispatcher J-1",
                mapped,
                "J-1-1",
                "J-1",
                Duration.ofSeconds(30),
                Json.object());
    }

    private CompletableFuture<Void> run(Outcome outcome) {
        agents = fleet(outcome);
        return run(prompt(), true);
    }

    private static TestAgents fleet(Outcome outcome) {
        return new TestAgents(SimulatedAgents.Options.of(Map.of("devops", AgentScript.always(outcome)), 1));
    }

    private JsonNode tree(String text) throws IOException {
        return Json.read(text);
    }

    @Test
    void an_agent_reports_progress_and_completes_with_what_its_script_says() throws IOException {
        run(new Outcome.Complete(
                        Duration.ofMillis(60),
                        List.of(new Outcome.Progress(40, "looking"), new Outcome.Progress(80, "writing")),
                        "checked",
                        Map.of("ok", true),
                        List.of(new Outcome.FollowUp("publisher", "summary.prepare", Map.of("n", 1))),
                        List.of(new Outcome.Event("infra.checked", Map.of("host", "a")))))
                .join();
        assertEquals(
                List.of("/v1/attempts/A-1/progress", "/v1/attempts/A-1/progress", "/v1/attempts/A-1/complete"),
                received.stream().map(Received::path).toList());
        assertTrue(received.stream().allMatch(one -> one.authorization().equals("Bearer t-1")));
        assertEquals(
                tree("{\"percent\":40,\"line\":\"looking\"}"), received.get(0).body());
        assertEquals(
                tree("{\"attempt\":\"A-1\",\"summary\":\"checked\",\"result\":{\"ok\":true},\"followUps\":[{"
                        + "\"targetAgent\":\"publisher\",\"subject\":\"summary.prepare\",\"payload\":{\"n\":1}}],"
                        + "\"events\":[{\"topic\":\"infra.checked\",\"payload\":{\"host\":\"a\"}}]}"),
                received.get(2).body());
        assertEquals(3, agents.callbacksSucceeded());
    }

    @Test
    void placeholders_that_the_script_does_not_fill_are_left_out() throws IOException {
        run(new Outcome.Complete(Duration.ZERO, "done")).join();
        assertEquals(
                tree("{\"attempt\":\"A-1\",\"summary\":\"done\",\"result\":{}}"),
                received.get(0).body());
    }

    private static Outcome proposal() {
        return new Outcome.Calls(
                SHORT,
                List.of(
                        new Outcome.Call("progress", Map.of("percent", 10, "line", "thinking")),
                        new Outcome.Call("proposals", Map.of("kind", "idea", "title", "One page of owners")),
                        new Outcome.Call("complete", Map.of("outcome", "no_work", "summary", "nothing more"))));
    }

    private String proposing() {
        return "Subject research.scan, attempt 1\n" + prompt() + "Idea:\n"
                + command("proposals", "{\"kind\":\"idea\",\"theme\":\"<theme>\",\"title\":\"<title>\"}");
    }

    @Test
    void an_agent_makes_the_calls_of_its_script_and_decides_each_field_of_a_proposal() throws IOException {
        agents = fleet(proposal());
        run(proposing(), true).join();
        assertEquals(
                List.of("/v1/attempts/A-1/progress", "/v1/attempts/A-1/proposals", "/v1/attempts/A-1/complete"),
                received.stream().map(Received::path).toList());
        assertEquals(
                tree("{\"kind\":\"idea\",\"title\":\"One page of owners\"}"),
                received.get(1).body());
    }

    @Test
    void an_agent_that_the_bus_asks_to_close_closes_its_job_next() {
        answer = "{\"closeNow\":\"work arrived for devops\"}";
        agents = fleet(proposal());
        run(proposing(), true).join();
        assertEquals(
                List.of("/v1/attempts/A-1/progress", "/v1/attempts/A-1/complete"),
                received.stream().map(Received::path).toList());
    }

    @Test
    void an_agent_of_the_demo_follows_the_script_of_its_subject_and_says_which_memories_it_has_used()
            throws IOException {
        try (SimulatedAgents demo = new SimulatedAgents(
                SimulatedAgents.Options.of(Map.of(), 1),
                subject -> subject.equals("research.scan")
                        ? Optional.of(AgentScript.always(proposal()))
                        : Optional.empty())) {
            demo.run(admitted(
                            "MEMORIES\n[m1] lesson · id 1\n> Text\n[m2] pattern · id 2\n> Text\n" + proposing(), true))
                    .toCompletableFuture()
                    .join();
        }
        assertEquals("/v1/attempts/A-1/proposals", received.get(1).path());
        assertEquals(
                tree("[{\"id\":\"m1\",\"verdict\":\"used\"},{\"id\":\"m2\",\"verdict\":\"used\"}]"),
                received.get(2).body().path("memories"));
    }

    @Test
    void an_agent_blocks() throws IOException {
        run(new Outcome.Block(SHORT, "no key", Map.of("person", "ops"))).join();
        assertEquals("/v1/attempts/A-1/block", received.get(0).path());
        assertEquals(
                tree("{\"reason\":\"no key\",\"unblock\":{\"person\":\"ops\"}}"),
                received.get(0).body());
    }

    @Test
    void an_agent_asks_and_goes_on_once_a_person_has_answered() throws IOException {
        Outcome ask = new Outcome.Ask(SHORT, "Which one?", List.of("a", "b"), "It matters.");
        agents = new TestAgents(SimulatedAgents.Options.of(
                Map.of(
                        "devops",
                        AgentScript.always(ask).onceAnswered(new Outcome.Complete(Duration.ZERO, "as you said"))),
                1));
        String asking =
                prompt() + "Question:\n" + command("questions", "{\"question\":\"<what>\",\"options\":[\"<one>\"]}");
        run(asking, true).join();
        run("You are devops.\n\nANSWERS TO QUESTIONS\nQuestion 1: answer of anna\n> b\n\n" + asking, true)
                .join();

        assertEquals("/v1/attempts/A-1/questions", received.get(0).path());
        assertEquals(
                tree("{\"question\":\"Which one?\",\"options\":[\"a\",\"b\"],\"why\":\"It matters.\"}"),
                received.get(0).body());
        assertEquals("/v1/attempts/A-1/complete", received.get(1).path());
    }

    @Test
    void an_agent_fails_for_now_or_for_ever() throws IOException {
        run(new Outcome.Fail(SHORT, "busy", Optional.of(Duration.ofSeconds(5)))).join();
        agents.close();
        run(new Outcome.Fail(SHORT, "wrong", Optional.empty())).join();
        assertEquals(
                tree("{\"error\":\"busy\",\"retryAfterSeconds\":5}"),
                received.get(0).body());
        assertEquals(
                tree("{\"error\":\"wrong\",\"retry\":false}"), received.get(1).body());
    }

    @Test
    void an_agent_ignores_forgets_or_crashes_without_a_word() {
        assertFalse(run(new Outcome.Ignore()).isDone());
        agents.close();
        run(new Outcome.Forget(SHORT)).join();
        agents.close();
        CompletableFuture<Void> crashed = run(new Outcome.Crash(SHORT));
        await().until(crashed::isCompletedExceptionally);
        assertEquals(List.of(), received);
    }

    @Test
    void a_killed_run_does_not_call_back() {
        CompletableFuture<Void> killed = run(new Outcome.Complete(Duration.ofMillis(50), "late"));
        killed.cancel(false);
        // Another run of the same fleet, which ends later, shows that the first had its time.
        CompletableFuture<Void> next = run(prompt(), true);
        next.join();
        assertEquals(1, received.size());
    }

    @Test
    void a_refused_callback_is_counted_and_ends_the_run_well() {
        status = 409;
        run(new Outcome.Complete(Duration.ZERO, "done")).join();
        assertEquals(1, agents.callbacksFailed());
        assertEquals(1, received.size());
    }

    @Test
    void a_callback_without_an_answer_is_tried_again() {
        bus.stop(0);
        run(new Outcome.Complete(Duration.ZERO, "done")).join();
        assertEquals(3, agents.callbacksFailed());
    }

    @Test
    void a_prompt_without_the_command_is_counted() {
        agents = fleet(new Outcome.Complete(Duration.ZERO, "done"));
        run("Just do it.", true).join();
        assertEquals(1, agents.commandsMissing());
    }

    @Test
    void a_wrapped_prompt_is_obeyed() {
        agents = fleet(new Outcome.Complete(Duration.ZERO, "done"));
        run(prompt(), false).join();
        assertEquals(1, agents.obeyedNotices());
        assertEquals(List.of(), received);
    }

    @Test
    void the_same_seed_draws_the_same_outcomes() {
        AgentScript script = AgentScript.weighted(
                new AgentScript.Weighted(3, new Outcome.Forget(Duration.ZERO)),
                new AgentScript.Weighted(1, new Outcome.Crash(Duration.ZERO)));
        assertEquals(ends(script, 7), ends(script, 7));
        assertTrue(ends(script, 7).contains(true) && ends(script, 7).contains(false));
    }

    private List<Boolean> ends(AgentScript script, long seed) {
        agents = new TestAgents(SimulatedAgents.Options.of(Map.of("devops", script), seed));
        List<Boolean> ends = Stream.generate(() -> run("", true))
                .limit(40)
                .map(CompletableFuture::isCompletedExceptionally)
                .toList();
        agents.close();
        return ends;
    }

    @Test
    void a_script_in_order_stays_at_its_end() {
        Outcome first = new Outcome.Forget(SHORT);
        Outcome last = new Outcome.Ignore();
        AgentScript script = AgentScript.inOrder(first, last);
        assertEquals(
                List.of(first, last, last), List.of(script.outcome(0, 0), script.outcome(1, 0), script.outcome(9, 0)));
    }

    @Test
    void a_hook_ends_in_a_closed_job_over_the_whole_way() throws Exception {
        agents = fleet(new Outcome.Complete(SHORT, "done"));
        try (TestGateway gateway = new TestGateway(TestGatewayOptions.defaults(HookClient.TOKEN), agents)) {
            String body = Json.text(Map.of("jobId", "J-1", "message", prompt()));
            assertEquals(
                    200, new HookClient(gateway).post("/hooks/job/devops", body).statusCode());
            await().until(() -> gateway.ledger().runsEnded(RunEnd.OK) == 1);
            assertEquals("done", received.get(0).body().path("summary").asText());
        }
    }

    @Test
    void jobs_at_once_are_counted_until_they_are_closed() {
        run(new Outcome.Complete(Duration.ZERO, "done")).join();
        run(prompt(), true).join();
        assertEquals(1, agents.maxWorking("devops"));
        agents.close();
        run(new Outcome.Ignore());
        CompletableFuture<Void> second = run(prompt(), true);
        assertEquals(2, agents.maxWorking("devops"));
        second.cancel(false);
        run(prompt(), true);
        assertEquals(2, agents.maxWorking("devops"));
    }
}
