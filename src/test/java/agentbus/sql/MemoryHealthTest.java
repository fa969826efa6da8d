package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The view, the gauges and the part of health that show the memories, and the early start of their promotion. */
@ExtendWith(PostgresExtension.class)
class MemoryHealthTest {
    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    private String hourAgo() {
        return rows.ago("hours => 1");
    }

    private String ended() {
        return rows.memory("status", "expired", "ended_at", hourAgo());
    }

    @Test
    void the_view_shows_each_memory_in_force_with_what_moves_it_next() {
        rows.memory("title", "a", "next_review_at", "2100-01-01T00:00:00Z");
        rows.memory("title", "b", "next_review_at", hourAgo());
        String disputed = rows.memory("title", "c");
        rows.review(disputed, "wrong");
        rows.review(disputed, "overdue");
        rows.review(disputed, "unused", "closed_at", hourAgo(), "outcome", "confirmed");
        bus.jdbc()
                .update(
                        "insert into memory_uses (memory_id, namespace, injected, used, wrong)"
                                + " values (?::uuid, 'default', 7, 2, 1)",
                        disputed);
        rows.memory("expires_at", hourAgo());
        ended();

        assertEquals(
                List.of(
                        "a 0 0 0: its review at 2100-01-01T00:00:00Z",
                        "b 0 0 0: the auditor, which opens its review within a minute",
                        "c 7 2 1: the curator or a person: overdue, wrong"),
                bus.jdbc()
                        .queryForList(
                                "select concat_ws(' ', title, injected, used, wrong) || ': ' || next_move"
                                        + " from active_memories_v order by title",
                                String.class));
    }

    @Test
    void health_counts_memories_candidates_and_reviews_and_each_namespace_its_own() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        String memory = rows.memory();
        rows.memory("namespace", "other");
        ended();
        rows.candidate();
        rows.candidate("status", "rejected", "ended_at", hourAgo());
        rows.review(memory, "wrong", "created_at", hourAgo());

        JsonNode health = bus.ask("health");
        assertEquals(1, health.get("memoriesActive").asInt());
        assertEquals(1, health.get("memoryCandidatesOpen").asInt());
        assertEquals(1, health.get("memoryReviewsOpen").asInt());
        assertTrue(health.get("oldestMemoryReviewSeconds").asInt() >= 3600, health::toString);
        assertEquals(
                0,
                bus.ask("health", "namespace", "other").get("memoryReviewsOpen").asInt());
    }

    @Test
    void the_gauges_count_memories_by_kind_candidates_by_trust_and_reviews_by_kind() {
        String memory = rows.memory();
        rows.memory();
        rows.memory("kind", "decision");
        ended();
        rows.candidate("created_at", hourAgo());
        rows.candidate("trust", "untrusted");
        rows.review(memory, "conflict", "created_at", hourAgo());

        assertEquals(
                List.of(
                        "agentbus_memories decision 1",
                        "agentbus_memories lesson 2",
                        "agentbus_memory_candidates trusted 1",
                        "agentbus_memory_candidates untrusted 1",
                        "agentbus_memory_candidates_oldest_seconds trusted 3600",
                        "agentbus_memory_candidates_oldest_seconds untrusted 0",
                        "agentbus_memory_reviews conflict 1",
                        "agentbus_memory_reviews_oldest_seconds conflict 3600"),
                bus.jdbc()
                        .queryForList(
                                """
                                select concat_ws(' ', metric, coalesce(labels ->> 'kind', labels ->> 'trust'),
                                  case when metric like '%seconds' then floor(value / 60) * 60 else value end)
                                from measured_memories()
                                order by 1""",
                                String.class));
    }

    private int early() {
        return bus.jdbc().queryForObject("select promote_candidates_early()", Integer.class);
    }

    private void candidates(int number, Object... columns) {
        for (int i = 0; i < number; i++) {
            rows.candidate(Stream.concat(Stream.of("source_agent", "devops"), Stream.of(columns))
                    .toArray());
        }
    }

    private void promotion() {
        bus.jdbc().update("update agents set may_promote = 'shared' where agent_id = 'research'");
        bus.jdbc().queryForObject("select note_phase('default', 4, 'host-7')", String.class);
        new Orders(bus)
                .sync(
                        java.time.Instant.now(),
                        Orders.order(
                                "knowledge-memory-promote", "agent", "research", "overlap", "coalesce", "phase", 4));
    }

    @Test
    void ten_new_candidates_start_the_promotion_early_and_the_same_ones_do_not_start_it_again() {
        promotion();
        candidates(9);
        candidates(5, "trust", "untrusted");
        assertEquals(0, early(), "a person decides about untrusted ones");

        candidates(1);
        assertEquals(1, early());
        assertEquals(
                1,
                bus.count("audit_log where actor = 'dispatcher:memories' and why = '10 new candidates'"
                        + " and table_name = 'jobs'"));

        bus.complete(bus.claim());
        bus.jdbc().update("update standing_order_runs set started_at = started_at - interval '2 hours'");
        bus.jdbc().update("update memory_candidates set created_at = created_at - interval '3 hours'");
        assertEquals(0, early(), "those that the run has left undecided");
        candidates(10);
        assertEquals(1, early());
    }

    @Test
    void candidates_that_the_agent_of_the_order_may_not_promote_start_nothing_early() {
        promotion();
        for (int i = 0; i < 10; i++) {
            rows.candidate();
            rows.candidate("source_agent", "devops", "visibility", "private", "owner_agent", "devops");
        }
        candidates(9, "visibility", "role", "owner_agent", "devops");
        assertEquals(0, early(), "its own, and private ones of others");

        candidates(1);
        bus.jdbc().update("update agents set may_promote = 'own' where agent_id = 'research'");
        assertEquals(0, early(), "it may promote to its own memory only");
        bus.jdbc().update("update agents set may_promote = 'shared' where agent_id = 'research'");
        assertEquals(1, early());
    }

    @Test
    void nothing_starts_early_while_promotions_or_the_phase_are_frozen_or_off() {
        promotion();
        candidates(10);
        bus.ask("freeze", "kind", "promotions", "name", "memory", "reason", "bad ones");
        assertEquals(0, early());
        bus.ask("unfreeze", "kind", "promotions", "name", "memory", "reason", "good again");
        bus.ask("freeze", "kind", "phase", "name", "4", "reason", "bad ones");
        assertEquals(0, early());
        bus.ask("unfreeze", "kind", "phase", "name", "4", "reason", "good again");
        bus.jdbc().queryForObject("select note_phase('default', 3, 'host-7')", String.class);
        assertEquals(0, early());
        bus.jdbc().queryForObject("select note_phase('default', 4, 'host-7')", String.class);
        assertEquals(1, early());
    }
}
