package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The scope of an idle attempt: it reads, writes thoughts and closes its job; every other write is refused. */
@ExtendWith(PostgresExtension.class)
class IdleScopeTest {
    private static final Set<String> WRITES = Set.of(
            "markRunningJob",
            "completeJob",
            "failJob",
            "renewJobLease",
            "reportProgress",
            "ask",
            "createIdea",
            "createOpportunity",
            "propose",
            "createMemoryCandidate");

    private Machine bus;
    private Attempt attempt;

    @BeforeEach
    void idle(TestDatabase database) {
        bus = Machine.fresh(database);
        new IdleBank(bus).questions("research", "What changed?");
        bus.jdbc()
                .update(
                        "update agents set budgets = '{\"ideas\": 3}', emits = '{found.it}', may_enqueue_to = '{devops}'");
        new Orders(bus)
                .sync(Orders.T0, Orders.order("think", "agent", "research", "jobType", "idle", "preCheck", "idle"));
        bus.ask("run_standing_order", "orderName", "think");
        attempt = bus.claim();
        bus.admitted(attempt);
    }

    /** The principal of a call of the operation with the token of the attempt, as the door asks for it. */
    private JsonNode principal(Attempt caller, Operation operation) {
        ObjectNode credential = json("attemptId", caller.id(), "allowed", operation.principals());
        if (operation.special().closesAttempt()) {
            credential.put("closes", true);
        }
        if (operation.special().idle()) {
            credential.put("idle", true);
        }
        return bus.one("select principal_of(?::jsonb)", credential.toString());
    }

    @Test
    void of_all_operations_an_idle_attempt_may_call_the_reads_and_the_writes_of_thoughts() {
        Set<String> writes = new TreeSet<>();
        for (Operation operation : Contract.load().operations()) {
            if (!operation.principals().contains("attempt")) {
                continue;
            }
            if (operation.principals().contains("viewer")) {
                assertTrue(principal(attempt, operation).get("idle").asBoolean(), operation.id());
            } else if (operation.special().idle()) {
                assertTrue(principal(attempt, operation).get("idle").asBoolean(), operation.id());
                writes.add(operation.id());
            } else {
                assertEquals(
                        "403 idle_scope token",
                        refusal(() -> principal(attempt, operation)).brief(),
                        operation.id());
            }
        }
        assertEquals(new TreeSet<>(WRITES), writes);
    }

    @Test
    void the_attempt_of_other_work_has_no_such_scope() {
        Attempt other = bus.running();
        for (Operation operation : Contract.load().operations()) {
            if (operation.principals().contains("attempt")) {
                assertFalse(principal(other, operation).has("idle"), operation.id());
            }
        }
    }

    @Test
    void a_close_with_follow_ups_or_events_is_refused_whole_and_one_with_empty_lists_is_not() {
        List<ObjectNode> jobs = List.of(json("targetAgent", "devops", "subject", "infra.check"));
        List<ObjectNode> events = List.of(json("topic", "found.it"));
        assertEquals(
                "403 idle_scope followUps",
                refusal(() -> bus.say(attempt, "complete_job", "summary", "s", "followUps", jobs))
                        .brief());
        assertEquals(
                "403 idle_scope events",
                refusal(() -> bus.say(attempt, "complete_job", "summary", "s", "events", events))
                        .brief());
        assertEquals("running", bus.state(attempt.job()));

        bus.say(attempt, "complete_job", "summary", "s", "followUps", List.of(), "events", List.of());
        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals(0, bus.count("jobs where target_agent = 'devops'"));
    }

    @Test
    void a_thought_names_idle_thinking_as_its_source() {
        bus.call("create_idea", bus.principal(attempt), Proposals.idea());
        assertEquals(1, bus.count("ideas where source_job_type = 'idle' and source_agent = 'research'"));
    }

    @Test
    void after_its_end_an_idle_attempt_gets_the_answer_of_every_attempt_that_is_over() {
        bus.complete(attempt);
        Operation propose = Contract.load().operation("propose");
        assertEquals(
                "409 stale_attempt token",
                refusal(() -> principal(attempt, propose)).brief());
        Operation enqueue = Contract.load().operation("enqueueJob");
        assertEquals(
                "403 idle_scope token",
                refusal(() -> principal(attempt, enqueue)).brief());
    }
}
