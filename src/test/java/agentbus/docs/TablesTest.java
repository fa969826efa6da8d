package agentbus.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every table has a row in docs/operations.md, "Tables": what it holds, how long its rows are kept, and where a change of them is
 * noted. The last two are held against the functions, triggers and keys of a real schema.
 */
@ExtendWith(PostgresExtension.class)
class TablesTest {
    private static final String PAGE = "docs/operations.md";
    private final TestDatabase database;

    TablesTest(TestDatabase database) {
        this.database = database;
    }

    /** What the page says of one table. */
    private record Told(String holds, String kept, String audited) {}

    @Test
    void every_table_of_the_schema_has_a_row_and_no_other() {
        List<String> tables = database.jdbc()
                .queryForList("select tablename from pg_tables where schemaname = 'agentbus'", String.class);
        assertTrue(tables.size() > 15, tables::toString);
        assertEquals(new TreeSet<>(tables), new TreeSet<>(told().keySet()));
        told().forEach((table, row) -> assertTrue(row.holds().length() > 10, table));
    }

    @Test
    void every_table_has_a_retention_rule_that_some_function_carries_out_or_a_reason_to_keep_its_rows() {
        List<String> wrong = new ArrayList<>();
        told().forEach((table, row) -> {
            if (!isKeptAsTold(table, row.kept())) {
                wrong.add(table + ": " + row.kept());
            }
        });
        assertEquals(List.of(), wrong);
    }

    private boolean isKeptAsTold(String table, String kept) {
        List<String> names = MarkdownPage.code(kept);
        if (kept.startsWith("moved to ")) {
            return names.get(0).equals(table + "_history") && sources("move_rows\\('" + table + "'") > 0;
        }
        if (kept.startsWith("by rule")) {
            return 1
                    == database.jdbc()
                            .queryForObject(
                                    "select count(*) from retention_rules where table_name = ?", Integer.class, table);
        }
        if (kept.startsWith("removed with ")) {
            return cascades(table, names.get(0));
        }
        if (kept.startsWith("removed by ")) {
            return source(names.get(0)).contains("delete from " + table);
        }
        // Kept for ever, for the reason that stands behind the colon; a function that removes rows would belie it.
        return kept.matches("for ever: .{10,}") && sources("delete from " + table + "\\M") == 0;
    }

    @Test
    void every_table_has_an_audit_rule_that_the_schema_carries_out_or_a_reason_for_none() {
        List<String> wrong = new ArrayList<>();
        told().forEach((table, row) -> {
            if (!isAuditedAsTold(table, row.audited())) {
                wrong.add(table + ": " + row.audited());
            }
        });
        assertEquals(List.of(), wrong);
    }

    private boolean isAuditedAsTold(String table, String audited) {
        List<String> names = MarkdownPage.code(audited);
        if (audited.startsWith("by trigger")) {
            return !names.isEmpty()
                    && names.stream()
                            .allMatch(name ->
                                    hasTrigger(table, name) && source(name).contains("audit"));
        }
        if (audited.startsWith("by function")) {
            return !names.isEmpty()
                    && names.stream().allMatch(name -> source(name).contains("audit"));
        }
        return audited.matches("no: .{10,}");
    }

    @Test
    void a_rule_that_the_schema_does_not_carry_out_is_found() {
        assertTrue(isKeptAsTold("jobs", "moved to `jobs_history`"));
        assertEquals(false, isKeptAsTold("agents", "moved to `agents_history`"));
        assertEquals(false, isKeptAsTold("jobs", "removed with its `events`"));
        assertEquals(false, isKeptAsTold("refusals", "for ever: somebody may want to count them"));
        assertEquals(false, isKeptAsTold("agents", "by rule"));
        assertEquals(false, isKeptAsTold("agents", ""));
        assertEquals(false, isAuditedAsTold("gateways", "by trigger `journal_agents`"));
        assertEquals(false, isAuditedAsTold("gateways", ""));
    }

    private static Map<String, Told> told() {
        Map<String, Told> told = new LinkedHashMap<>();
        for (List<String> row : MarkdownPage.read(PAGE).table("Tables")) {
            for (String table : MarkdownPage.code(row.get(0))) {
                told.put(table, new Told(row.get(1), row.get(2), row.get(3)));
            }
        }
        return told;
    }

    private int sources(String pattern) {
        return database.jdbc()
                .queryForObject(
                        "select count(*) from pg_proc where pronamespace = 'agentbus'::regnamespace and prosrc ~ ?",
                        Integer.class,
                        pattern);
    }

    private String source(String function) {
        return String.join(
                "\n",
                database.jdbc()
                        .queryForList(
                                "select prosrc from pg_proc where pronamespace = 'agentbus'::regnamespace and proname = ?",
                                String.class,
                                function));
    }

    private boolean hasTrigger(String table, String trigger) {
        return database.jdbc()
                        .queryForObject(
                                "select count(*) from pg_trigger where tgrelid = ('agentbus.' || ?)::regclass and tgname = ?",
                                Integer.class,
                                table,
                                trigger)
                == 1;
    }

    private boolean cascades(String table, String parent) {
        return database.jdbc()
                        .queryForObject(
                                "select count(*) from pg_constraint where conrelid = ('agentbus.' || ?)::regclass"
                                        + " and confrelid = ('agentbus.' || ?)::regclass and confdeltype = 'c'",
                                Integer.class,
                                table,
                                parent)
                > 0;
    }
}
