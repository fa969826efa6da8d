package agentbus.sql;

import static agentbus.sql.Machine.operator;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The days that pass in the tests of chance, while callers act. */
@ExtendWith(PostgresExtension.class)
class PassingDaysTest {
    private Machine bus;
    private Decisions lane;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lane = Decisions.of(bus);
    }

    @Test
    void an_opportunity_and_its_reviews_become_older_by_the_same_days() {
        String opportunity = lane.opportunity();
        lane.park(operator(), opportunity, "After the release.", 5);
        Instant until = until(opportunity);

        ProposalActors.shift(bus.jdbc(), 2);

        assertEquals(until.minusSeconds(2 * 86_400), until(opportunity));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void what_is_parked_while_days_pass_keeps_the_date_of_its_review() throws Exception {
        String passed = lane.opportunity();
        String held = lane.opportunity();
        CompletableFuture<Void> days;
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true))
                    .jdbc()
                    .queryForList("select from opportunities where opportunity_id = ?::uuid for update", held);
            Instant before = created(passed);
            days = CompletableFuture.runAsync(() -> ProposalActors.shift(bus.jdbc(), 2));
            await().until(() -> created(passed).isBefore(before));

            lane.park(operator(), passed, "After the release.", 5);
            connection.rollback();
            connection.setAutoCommit(true);
        }
        days.get(20, TimeUnit.SECONDS);

        assertTrue(until(passed).isAfter(Instant.now().plusSeconds(4 * 86_400)));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    private Instant until(String opportunity) {
        return Instant.parse(lane.get(opportunity).get("parkedUntil").asText());
    }

    private Instant created(String opportunity) {
        return Instant.parse(lane.get(opportunity).get("createdAt").asText());
    }
}
