package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The drills of week-one against a stub, whose clock and health differ from those of this machine. */
class WeekOneAnswersTest {
    private static final Contract CONTRACT = Contract.load();
    private static final Instant BUS_TIME = Instant.parse("2031-01-01T00:00:00Z");

    private final BusStub bus = new BusStub();

    @AfterEach
    void stop() {
        bus.close();
    }

    /** An answer with the fields of every operation of the drills. */
    private static ObjectNode answer(String status, int dispatchers) {
        String id = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
        ObjectNode answer = Json.object().put("jobId", id).put("state", "succeeded");
        answer.putObject("job").put("jobId", id).put("createdAt", BUS_TIME.toString());
        answer.putArray("jobs").addObject().put("jobId", id).put("attemptToken", "abt_stub");
        answer.putArray("orders").addObject().put("order", "patrol");
        answer.putArray("dispatchers");
        answer.put("status", status).put("queued", 0).put("dispatchersHealthy", dispatchers);
        if (!status.equals("ok")) {
            answer.putArray("problems").add("the sweep stands still");
        }
        return answer;
    }

    private List<Drill> drills(ObjectNode answer) {
        bus.answers(200, answer.toString());
        Settings settings = new Settings(bus.url(), Optional.of("abo_stub"), Duration.ofSeconds(5));
        return new WeekOne(new DrillCalls(CONTRACT, settings, Optional.empty()), Duration.ofSeconds(1))
                .run(Optional.empty(), Optional.empty());
    }

    @Test
    void the_times_in_calls_are_those_of_the_bus() throws Exception {
        drills(answer("ok", 1));

        JsonNode block = Json.read(bus.all().stream()
                .filter(call -> call.uri().endsWith("/block"))
                .findFirst()
                .orElseThrow()
                .body());
        Instant at = Instant.parse(block.at("/unblock/at").asText());
        assertTrue(at.isAfter(BUS_TIME.plusSeconds(1)) && at.isBefore(BUS_TIME.plusSeconds(60)), at::toString);
        for (String path : List.of("/account?", "/runs?")) {
            List<String> uris = bus.all().stream()
                    .map(BusStub.Request::uri)
                    .filter(uri -> uri.contains(path))
                    .toList();
            assertFalse(uris.isEmpty(), () -> bus.all().toString());
            uris.forEach(uri -> assertTrue(uri.contains("from=2030-12-"), uri));
        }
    }

    @ParameterizedTest
    @CsvSource({"ok, 1, HOLDS", "ok, 0, DOES_NOT_HOLD", "degraded, 1, DOES_NOT_HOLD"})
    void health_holds_while_it_is_ok_and_a_dispatcher_is_alive(String status, int dispatchers, Drill.Result expected) {
        Drill health = drills(answer(status, dispatchers)).stream()
                .filter(drill -> drill.name().equals("health in one query"))
                .findFirst()
                .orElseThrow();

        assertEquals(expected, health.result(), health::toString);
        assertTrue(health.what().startsWith(status + ": 0 queued"), health::toString);
        assertTrue(health.what().contains(dispatchers + " dispatchers alive"), health::toString);
        assertEquals(
                !status.equals("ok"),
                health.what().endsWith("1 problems, first: the sweep stands still"),
                health::what);
    }
}
