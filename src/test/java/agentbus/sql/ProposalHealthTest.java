package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The views and gauges of the proactive lane, and its part of health. */
@ExtendWith(PostgresExtension.class)
class ProposalHealthTest {
    private Machine bus;
    private ProposalRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new ProposalRows(bus);
    }

    private JsonNode rowOf(String view, String agent) {
        return bus.one(
                "select to_jsonb(v) from " + view + " v where namespace = 'default' and source_agent = ?", agent);
    }

    private void assertNumbers(String expected, JsonNode row, String... columns) {
        List<String> numbers = new ArrayList<>();
        for (String column : columns) {
            numbers.add(row.get(column).asText());
        }
        assertEquals(expected, String.join(" ", numbers), row::toPrettyString);
    }

    @Test
    void ideas_are_counted_by_author_and_status() {
        String hourAgo = rows.ago("hours => 1");
        rows.idea("touched_at", rows.ago("days => 3"));
        rows.idea("status", "reviewed");
        rows.idea("status", "archived", "ended_at", hourAgo, "created_at", rows.ago("days => 20"));
        rows.idea("source_agent", "devops");

        JsonNode research = rowOf("idea_health_summary_v", "research");
        assertNumbers("1 1 0 1 2", research, "new", "reviewed", "promoted", "archived", "proposed_24h");
        assertTrue(research.get("oldest_untouched").asText().startsWith("3 days"), research::toString);
        assertNumbers("1 0", rowOf("idea_health_summary_v", "devops"), "new", "reviewed");
    }

    @Test
    void opportunities_are_counted_by_author_and_status_and_by_what_became_of_their_jobs() {
        String hit = bus.running().job();
        bus.jdbc().update("update jobs set state = 'succeeded', ended_at = now() where job_id = ?::uuid", hit);
        rows.converted(hit, 1);
        rows.converted(bus.dead(), 1);
        rows.converted(bus.enqueue(), 1);
        rows.opportunity("touched_at", rows.ago("days => 2"));
        rows.opportunity("status", "triaged");
        rows.opportunity("status", "parked", "parked_until", "2100-01-01");
        rows.opportunity("status", "rejected", "ended_at", rows.ago("hours => 1"));

        JsonNode research = rowOf("opportunity_health_summary_v", "research");
        assertNumbers("1 1 0 1 1 0", research, "new", "triaged", "accepted", "parked", "rejected", "merged");
        assertNumbers("3 1 1 7", research, "converted", "hits", "misses", "proposed_24h");
        assertTrue(research.get("oldest_undecided").asText().startsWith("2 days"), research::toString);
    }

    @Test
    void every_open_opportunity_names_what_moves_it_next() {
        rows.opportunity();
        rows.opportunity("status", "triaged");
        rows.opportunity("status", "accepted");
        rows.opportunity("status", "parked", "parked_until", "2100-01-01T09:00:00Z");
        rows.opportunity("status", "rejected", "ended_at", rows.ago("hours => 1"));

        assertEquals(
                List.of(
                        "accepted: the coordinator or a person: convert-opportunity",
                        "new: the order tracker-opportunity-triage or a person: triage-opportunity",
                        "parked: the bus, which sets it back to triaged at 2100-01-01T09:00:00Z",
                        "triaged: the coordinator or a person: triage-opportunity or convert-opportunity"),
                bus.jdbc()
                        .queryForList(
                                "select status || ': ' || next_move from open_opportunities_v order by status",
                                String.class));
    }

    @Test
    void health_has_the_numbers_of_the_lane_and_each_namespace_its_own() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        rows.idea();
        rows.opportunity("touched_at", rows.ago("hours => 2"));
        rows.opportunity("status", "accepted");
        rows.converted(bus.enqueue(), 1);
        rows.converted(bus.enqueue(), 25);
        String hourAgo = rows.ago("hours => 1");
        rows.opportunity("status", "rejected", "ended_at", hourAgo, "decided_at", hourAgo);
        rows.opportunity("namespace", "other", "status", "triaged");

        JsonNode health = bus.ask("health");
        assertNumbers("1 2 1 1 1", health, numbers());
        assertTrue(health.get("oldestUndecidedSeconds").asInt() >= 7200, health::toString);
        JsonNode other = bus.ask("health", "namespace", "other");
        assertNumbers("0 1 1 0 0", other, numbers());
    }

    private static String[] numbers() {
        return new String[] {
            "ideasOpen",
            "opportunitiesOpen",
            "opportunitiesUndecided",
            "opportunitiesConverted24h",
            "opportunitiesRejected24h"
        };
    }

    @Test
    void the_gauges_count_open_proposals_by_kind_and_status_with_the_age_of_the_oldest() {
        rows.idea("touched_at", rows.ago("hours => 1"));
        rows.idea();
        rows.opportunity("status", "triaged");
        rows.opportunity("status", "rejected", "ended_at", rows.ago("hours => 1"));

        assertEquals(
                List.of("idea new 2 3600", "opportunity triaged 1 0"),
                bus.jdbc()
                        .queryForList(
                                """
                                select concat_ws(' ', c.labels ->> 'kind', c.labels ->> 'status', c.value,
                                  floor(o.value / 60) * 60)
                                from measured_proposals() c
                                join measured_proposals() o using (labels)
                                where c.metric = 'agentbus_proposals' and o.metric = 'agentbus_proposals_oldest_seconds'
                                order by 1""",
                                String.class));
    }
}
