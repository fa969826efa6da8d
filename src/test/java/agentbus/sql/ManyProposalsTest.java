package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Ten thousand open ideas and ten thousand open opportunities of one theme do not slow down the calls of others. */
@ExtendWith(PostgresExtension.class)
class ManyProposalsTest {
    private static final int MANY = 10_000;

    private Machine bus;
    private ProposalRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new ProposalRows(bus);
    }

    /** Adds rows to both tables; each title has words of its own. */
    private void fill(int many) {
        String words = "md5(i::text) || ' ' || md5((i + 1000000)::text)";
        for (String table : new String[] {"ideas", "opportunities"}) {
            bus.jdbc().execute("alter table " + table + " disable trigger user");
        }
        bus.jdbc()
                .update(
                        "insert into ideas (namespace, source_agent, theme, title, body, evidence)"
                                + " select 'default', 'research', 'reliability', " + words + ", " + words
                                + ", ?::jsonb from generate_series(1, ?) i",
                        ProposalRows.PAGE,
                        many);
        bus.jdbc()
                .update(
                        "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence,"
                                + " impact, confidence, urgency, reversibility, owner_candidate, suggested_next_step)"
                                + " select 'default', 'research', 'reliability', " + words + ", " + words
                                + ", 'Nothing.', ?::jsonb, 1 + i % 5, 3, 3, 'high', 'devops', 'Begin.'"
                                + " from generate_series(1, ?) i",
                        ProposalRows.PAGE,
                        many);
        for (String table : new String[] {"ideas", "opportunities"}) {
            bus.jdbc().execute("alter table " + table + " enable trigger user");
            bus.jdbc().execute("vacuum analyze " + table);
        }
    }

    /** Pages that a call looks at; what it changes is taken back. */
    private long pages(String function, ObjectNode input) throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine machine = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = machine.one(
                    "explain (analyze, buffers, format json) select " + function + "(?::jsonb, ?::jsonb)",
                    Machine.operator().toString(),
                    input.toString());
            connection.rollback();
            connection.setAutoCommit(true);
            return Machine.pagesOf(plan);
        }
    }

    private Map<String, Long> costs(String idea, String opportunity) throws SQLException {
        Map<String, Long> costs = new LinkedHashMap<>();
        for (int warm = 0; warm < 2; warm++) {
            costs.put("get_idea", pages("get_idea", Machine.json("ideaId", idea)));
            costs.put("get_opportunity", pages("get_opportunity", Machine.json("opportunityId", opportunity)));
            costs.put("list_ideas", pages("list_ideas", Machine.json("limit", 20)));
            costs.put("list_ideas, new", pages("list_ideas", Machine.json("limit", 20, "status", "new")));
            costs.put(
                    "list_opportunities, newest",
                    pages("list_opportunities", Machine.json("limit", 20, "order", "newest")));
            costs.put("create_idea", pages("create_idea", Proposals.idea()));
            costs.put("create_idea, theme", pages("create_idea", Proposals.idea("theme", "reliability")));
            costs.put("create_opportunity", pages("create_opportunity", Proposals.opportunity()));
        }
        return costs;
    }

    @Test
    void list_get_and_create_cost_the_same_beside_ten_thousand_of_the_theme_and_the_rank_reads_each_once()
            throws SQLException {
        String idea = "";
        String opportunity = "";
        for (int i = 0; i < 20; i++) {
            idea = rows.idea("title", "idea " + i);
            opportunity = rows.opportunity("title", "opportunity " + i);
        }
        // A new proposal is compared with this many others of each kind, and with no more.
        fill(bus.jdbc().queryForObject("select compared_proposals()", Integer.class));
        Map<String, Long> before = costs(idea, opportunity);
        fill(MANY);
        Map<String, Long> after = costs(idea, opportunity);

        after.forEach((call, pages) -> assertTrue(
                pages <= before.get(call) * 2 + 100,
                call + ": " + before.get(call) + " pages before, " + pages + " after"));
        long table = bus.jdbc().queryForObject("select pg_relation_size('opportunities') / 8192", Long.class);
        long pages = pages("list_opportunities", Machine.json("limit", 20));
        assertTrue(pages < 6 * table + 2000, pages + " pages by rank, for a table of " + table);
        JsonNode best = bus.ask("list_opportunities", "limit", 20).get("opportunities");
        assertEquals(20, best.size());
        best.forEach(each -> assertEquals(5, each.get("impactScore").asInt()));
    }
}
