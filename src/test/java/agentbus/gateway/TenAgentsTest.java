package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A real gateway wakes each agent, which closes its job over both doors (curl and MCP) and hands work on. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class TenAgentsTest {
    /** Chosen: five flows, of which the first warms up the three agents. */
    private static final int FLOWS = 5;

    @TempDir
    static Path home;

    private static RealFleet fleet;

    @BeforeAll
    static void start(TestDatabase database) throws Exception {
        fleet = new RealFleet(database, home, "ten-agents", told -> Move.complete());
    }

    @AfterAll
    static void stop() {
        fleet.close();
    }

    @Test
    void each_of_the_ten_wakes_and_closes_its_job_by_curl() throws Exception {
        // Work comes first, because the token must still be in the session some turns after the prompt.
        eachCloses(new Move.Work("pwd; ls AGENTS.md", Move.complete()), "It's done.");
    }

    @Test
    void each_of_the_ten_wakes_and_closes_its_job_by_the_buss_tool() throws Exception {
        eachCloses(new Move.Tool("agentbus__complete", Map.of("summary", "Done by MCP.")), "Done by MCP.");
    }

    private static void eachCloses(Move move, String summary) throws Exception {
        fleet.model().script(told -> move);
        Instant begun = Instant.now();
        Map<String, UUID> jobs = new LinkedHashMap<>();
        for (String agent : RealFleet.AGENTS) {
            jobs.put(agent, fleet.enqueue(agent));
        }
        for (Map.Entry<String, UUID> each : jobs.entrySet()) {
            fleet.awaitState(each.getValue(), "succeeded");
            assertFalse(
                    fleet.model().toolAnswers().stream().anyMatch(answer -> answer.contains("urn:agentbus:problem")));
            JsonNode attempts =
                    fleet.call("GET", "/v1/jobs/" + each.getValue(), null).path("attempts");
            assertEquals(1, attempts.size(), each::toString);
            assertEquals(summary, attempts.get(0).path("summary").asText());
            assertEquals(
                    each.getKey(),
                    fleet.model().told().stream()
                            .filter(told -> told.jobId().equals(each.getValue()))
                            .findFirst()
                            .orElseThrow()
                            .agent());
        }
        RealFleet.say(
                "ten jobs of ten agents (%s) took %d ms",
                summary, Duration.between(begun, Instant.now()).toMillis());
    }

    @Test
    void of_a_flow_over_three_agents_by_handoff_and_event_the_bus_takes_the_least_part() throws Exception {
        fleet.model().script(told -> switch (told.agent()) {
            case "coordinator" ->
                new Move.Curl(
                        "complete",
                        "{\"summary\": \"planned\", \"followUps\": [{\"targetAgent\": \"research\","
                                + " \"subject\": \"research.packet\", \"payload\": {\"about\": \"it's new\"}}]}");
            case "research" ->
                new Move.Curl(
                        "complete",
                        "{\"summary\": \"researched\", \"events\": [{\"topic\": \"research.packet.ready\","
                                + " \"payload\": {\"packet\": \"packets/new.md\"}}]}");
            default -> Move.complete();
        });
        List<Flow> flows = new ArrayList<>();
        for (int i = 0; i < FLOWS; i++) {
            flows.add(flow());
        }
        flows.forEach(flow -> RealFleet.say("coordinator -> research -> publisher: %s", flow));
        // A ratio, because absolute times depend on the machine. docs/performance.md has the times.
        assertTrue(
                flows.stream().allMatch(flow -> flow.waiting().multipliedBy(10).compareTo(flow.total()) < 0),
                flows::toString);
    }

    /**
     * The duration of a flow, and of the steps of its jobs, added up.
     *
     * @param total from the enqueue of its first job to the close of its last
     * @param waiting from a job's enqueue to its claim
     * @param hook from there until the gateway had admitted the run
     * @param starting from there until the model's first prompt
     * @param closing from there until the job was closed
     */
    private record Flow(Duration total, Duration waiting, Duration hook, Duration starting, Duration closing) {
        static Flow of(List<Step> steps) {
            return new Flow(
                    Duration.between(
                            steps.get(0).enqueued(), steps.get(steps.size() - 1).closed()),
                    sum(steps, Step::enqueued, Step::claimed),
                    sum(steps, Step::claimed, Step::admitted),
                    sum(steps, Step::admitted, Step::asked),
                    sum(steps, Step::asked, Step::closed));
        }

        private static Duration sum(List<Step> steps, Function<Step, Instant> from, Function<Step, Instant> to) {
            return steps.stream()
                    .map(step -> Duration.between(from.apply(step), to.apply(step)))
                    .reduce(Duration.ZERO, Duration::plus);
        }

        @Override
        public String toString() {
            return "%d ms; until its jobs were claimed %d, admitted %d, the model asked %d, closed %d"
                    .formatted(
                            total.toMillis(),
                            waiting.toMillis(),
                            hook.toMillis(),
                            starting.toMillis(),
                            closing.toMillis());
        }
    }

    /** One job of a flow. */
    private record Step(Instant enqueued, Instant claimed, Instant admitted, Instant asked, Instant closed) {}

    private static Flow flow() throws Exception {
        String flow = "flow-" + UUID.randomUUID();
        fleet.enqueue("coordinator", Map.of("flowKey", flow));
        RealFleet.waiting("the publisher has closed the last job of " + flow).until(() -> fleet.jdbc()
                .queryForList(
                        "select target_agent from jobs where flow_key = ? and state = 'succeeded' order by seq",
                        String.class,
                        flow)
                .equals(List.of("coordinator", "research", "publisher")));
        return Flow.of(fleet.jdbc()
                .query(
                        "select j.job_id, j.created_at, a.started_at, a.admitted_at, a.finished_at from jobs j"
                                + " join job_attempts a on a.job_id = j.job_id and a.status = 'succeeded'"
                                + " where flow_key = ? order by j.seq",
                        (row, i) -> new Step(
                                row.getTimestamp("created_at").toInstant(),
                                row.getTimestamp("started_at").toInstant(),
                                row.getTimestamp("admitted_at").toInstant(),
                                fleet.model().asked(row.getObject("job_id", UUID.class)),
                                row.getTimestamp("finished_at").toInstant()),
                        flow));
    }

    @Test
    void what_the_model_was_given_is_what_get_job_shows_without_the_token() throws Exception {
        fleet.model().script(told -> Move.complete());
        UUID job = fleet.enqueue("security");
        fleet.awaitState(job, "succeeded");
        Told told = fleet.model().told().stream()
                .filter(one -> one.jobId().equals(job))
                .findFirst()
                .orElseThrow();
        String shown = fleet.call("GET", "/v1/jobs/" + job + "?prompt=true", null)
                .path("attempts")
                .path(0)
                .path("prompt")
                .asText();
        assertTrue(shown.contains("Bearer '<token>"), shown);
        assertFalse(shown.contains(told.token()), "the token is shown");
        // OpenClaw adds the run's name before the prompt, and the time and a note on unattended runs after it.
        String given = told.prompt().replace(told.token(), "<token>");
        assertTrue(given.contains(shown.strip()), () -> "given:\n" + given + "\n\nshown:\n" + shown);
        assertTrue(given.startsWith("[cron:"), given);
    }
}
