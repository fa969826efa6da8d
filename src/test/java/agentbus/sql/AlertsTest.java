package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** People are told at once of what is urgent, and never of a guess or of idle thinking. */
@ExtendWith(PostgresExtension.class)
class AlertsTest {
    private Machine bus;
    private Needs needs;
    private ProposalRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        database.agents(Map.of("auditor", new String[] {"audit.leases"}));
        needs = new Needs(bus);
        rows = new ProposalRows(bus);
    }

    @Test
    void an_urgent_opportunity_needs_a_person_until_somebody_decides() {
        String id = rows.opportunity("urgency", 5);

        JsonNode item = needs.only();
        assertEquals("urgent", item.get("kind").asText());
        assertSays("research says it is urgent: Retry the nightly import, because It failed on three Mondays.", item);
        assertEquals("Reports stay a day old.", item.get("ifNobodyActs").asText());
        assertEquals(id, item.get("opportunityId").asText());

        needs.act(item, "Reject");

        assertEquals(List.of(), needs.items());
        assertEquals(1, bus.count("opportunities where status = 'rejected'"));
    }

    @Test
    void an_urgent_opportunity_that_is_accepted_needs_nobody_any_more() {
        rows.opportunity("urgency", 5);

        needs.act(needs.only(), "Accept");

        assertEquals(List.of(), needs.items());
    }

    @ParameterizedTest
    @CsvSource({"4, 5, ", "5, 2, ", "5, 5, idle"})
    void what_is_not_urgent_a_guess_or_idle_is_no_alert(int urgency, int confidence, String jobType) {
        rows.opportunity("urgency", urgency, "confidence", confidence, "source_job_type", jobType);

        assertEquals(List.of(), needs.items());
    }

    @Test
    void the_order_of_a_quiet_queue_is_an_idle_source() {
        Orders orders = new Orders(bus);
        orders.sync(Orders.T0, Orders.order("thinking", "agent", "research", "preCheck", "quiet-queue"));
        String job = bus.enqueue("targetAgent", "research", "subject", "standing_order.thinking");
        bus.claim();

        rows.opportunity("urgency", 5, "source_job_id", job, "source_job_type", "proactive");
        anomaly(job, json("what", "a thought of the night"));

        assertEquals(List.of(), needs.items());
    }

    private void anomaly(String job, JsonNode payload) {
        bus.jdbc()
                .update(
                        "insert into events (namespace, topic, source_agent, source_job_id, payload)"
                                + " values ('default', 'ops.anomaly', 'auditor', ?::uuid, ?::jsonb)",
                        job,
                        payload.toString());
    }

    @Test
    void an_anomaly_is_shown_once_for_all_of_its_kind_until_a_person_has_seen_it() {
        anomaly(null, json("what", "Three leases of devops ran out.\nSince 9:00."));
        anomaly(null, json("what", "Three leases of devops ran out.\nSince 9:00."));
        anomaly(null, json("anomaly", "no heartbeat of web-2"));
        anomaly(null, json("what", "a trifle", "severity", "minor"));
        anomaly(null, json("what", "a guess", "confidence", 2));

        List<JsonNode> items = needs.items();
        assertEquals(2, items.size(), items::toString);
        JsonNode leases =
                items.stream().filter(item -> item.has("count")).findFirst().orElseThrow();
        assertSays("auditor reports an anomaly 2 times: Three leases of devops ran out. Since 9:00.", leases);
        assertEquals("anomaly", leases.get("kind").asText());

        needs.act(leases, "Seen");
        needs.act(leases, "Seen");
        assertSays("auditor reports an anomaly: no heartbeat of web-2.", needs.only());
        assertEquals(1, bus.count("events where topic = 'ops.anomaly_seen'"));

        anomaly(null, json("what", "Three leases of devops ran out.\nSince 9:00."));
        assertEquals(2, needs.items().size(), "it has happened again");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0",
        "2.0, 0",
        "2.5, 1",
        "3, 1",
        "0.95, 1",
        "0.4, 0",
        "0, 0",
        "Low, 0",
        "unsure, 0",
        "guess, 0",
        "high, 1",
        "1e9, 1"
    })
    void only_a_confidence_of_at_most_two_of_five_keeps_an_anomaly_back(String confidence, int shown) {
        anomaly(null, json("what", "web-2 answers slowly", "confidence", confidence));

        assertEquals(shown, needs.items().size());
    }

    /** As in a database with a locale of a language, in which a colon and a semicolon come in another order than in C. */
    @Test
    void an_anomaly_that_a_person_has_seen_is_gone_in_a_database_that_sorts_as_people_do() {
        anomaly(null, json("what", "no heartbeat of web-2"));
        bus.jdbc().execute("alter table events alter column dedupe_key type text collate \"en-x-icu\"");
        try {
            needs.act(needs.only(), "Seen");

            assertEquals(List.of(), needs.items());
        } finally {
            bus.jdbc().execute("alter table events alter column dedupe_key type text collate \"default\"");
        }
    }

    @Test
    void an_agent_cannot_hide_an_anomaly() {
        anomaly(null, json("what", "auditor is over its budget"));
        JsonNode input = needs.only().at("/actions/0/input");

        bus.call("emit_event", Machine.agent("auditor"), input);

        assertEquals(1, needs.items().size());
    }

    @Test
    void a_blocked_job_for_which_several_wait_is_told_at_once_although_the_coordinator_may_answer() {
        Attempt attempt = bus.running();
        String second = bus.enqueue("dependsOn", List.of(attempt.job()));
        String third = bus.enqueue("dependsOn", List.of(second));
        bus.enqueue("dependsOn", List.of(third));

        bus.block(attempt);

        JsonNode item = needs.only();
        assertEquals("critical_path", item.get("kind").asText());
        assertSays("3 jobs wait for a job of devops (infra.check), which is blocked: no credentials.", item);
        assertEquals(
                1,
                bus.count(
                        "events where topic = 'job.critical_path_blocked' and source_job_id = ?::uuid"
                                + " and payload ->> 'waiting' = '3'",
                        attempt.job()));

        needs.act(item, "Answer");
        assertEquals(List.of(), needs.items());
    }

    @Test
    void a_blocked_job_for_which_few_wait_or_that_is_proactive_is_left_to_the_coordinator() {
        Attempt few = bus.running();
        Attempt proactive =
                bus.running("jobType", "proactive", "targetAgent", "research", "subject", "research.packet");
        bus.enqueue("dependsOn", List.of(few.job()));
        for (int i = 0; i < 3; i++) {
            bus.enqueue("dependsOn", List.of(proactive.job()));
        }

        bus.block(few);
        bus.block(proactive);

        assertEquals(List.of(), needs.items());
        assertEquals(0, bus.count("events where topic = 'job.critical_path_blocked'"));
    }

    @Test
    void a_critical_block_on_a_person_is_one_item_and_not_two() {
        Attempt attempt = bus.running();
        for (int i = 0; i < 3; i++) {
            bus.enqueue("dependsOn", List.of(attempt.job()));
        }
        bus.block(attempt, "person", "anna");

        assertEquals("blocked", needs.only().get("kind").asText());
        assertEquals(1, bus.count("events where topic = 'job.critical_path_blocked'"));
    }

    @Test
    void a_critical_block_that_a_time_ends_says_when_and_a_short_one_needs_nobody() {
        Attempt attempt = bus.running();
        Attempt soon = bus.running();
        for (int i = 0; i < 3; i++) {
            bus.enqueue("dependsOn", List.of(attempt.job()));
            bus.enqueue("dependsOn", List.of(soon.job()));
        }
        bus.block(attempt, "at", "2999-01-01T00:00:00Z");
        bus.block(soon, "at", Instant.now().plusSeconds(600).toString());

        assertEquals(
                "It goes on by itself at 2999-01-01T00:00:00Z.",
                needs.only().get("ifNobodyActs").asText());
    }
}
