package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a table gets by one trigger and one rule: an audit row for each change, and an end for its old rows. */
@ExtendWith(PostgresExtension.class)
class LaneTablesTest {
    private Machine bus;

    @BeforeEach
    void makeTable(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .execute(
                        """
                        create table notes (
                          note_id uuid primary key default new_id(),
                          namespace text not null references namespaces,
                          title text,
                          closed_at timestamptz,
                          updated_at timestamptz not null default now()
                        );
                        create trigger audit_row after insert or update or delete on notes
                          for each row execute function audit_row('note', 'note_id');
                        create table notes_history (
                          like notes,
                          retired_at timestamptz not null default now(),
                          primary key (note_id)
                        );
                        """);
    }

    @AfterEach
    void dropTable() {
        bus.jdbc().execute("drop table notes, notes_history; delete from retention_rules where table_name = 'notes'");
    }

    private String note(String title, Integer closedDaysAgo) {
        return bus.jdbc()
                .queryForObject(
                        "insert into notes (namespace, title, closed_at)"
                                + " values ('default', ?, now() - make_interval(days => ?)) returning note_id::text",
                        String.class,
                        title,
                        closedDaysAgo);
    }

    private void rule(String way, Integer keepDays) {
        bus.jdbc()
                .update(
                        "insert into retention_rules (table_name, way, key_column, over_column, keep_days)"
                                + " values ('notes', ?, 'note_id', 'closed_at', ?)",
                        way,
                        keepDays);
    }

    /** Retires with batches of two until nothing is left to look at. */
    private void retire(int days) {
        String place = null;
        int calls = 0;
        do {
            JsonNode done = bus.one("select retire_finished_work(?, 2, ?::jsonb)", days, place);
            place = done.get("next").isNull() ? null : done.get("next").toString();
            assertTrue(++calls < 100, () -> "it does not end: " + done);
        } while (place != null);
    }

    private List<String> titles(String table) {
        return bus.jdbc().queryForList("select title from " + table + " order by title", String.class);
    }

    private List<String> actions(String note) {
        return bus.jdbc()
                .queryForList(
                        "select action || ' ' || detail from audit_log where table_name = 'notes' and row_id = ?"
                                + " order by audit_id",
                        String.class,
                        note);
    }

    @Test
    void each_change_of_a_row_is_an_audit_row_with_the_columns_that_changed() {
        String note = note("first", null);
        bus.jdbc().update("update notes set title = 'second', updated_at = clock_timestamp() + interval '1 s'");
        bus.jdbc().update("update notes set updated_at = clock_timestamp() + interval '2 s'");
        bus.jdbc().update("update notes set title = null");
        bus.jdbc().update("delete from notes");

        List<String> actions = actions(note);
        assertEquals(4, actions.size(), actions::toString);
        assertTrue(actions.get(0).startsWith("note.added {"), actions.get(0));
        assertTrue(actions.get(0).contains("\"title\": \"first\""), actions.get(0));
        assertEquals("note.changed {\"title\": \"second\"}", actions.get(1));
        assertEquals("note.changed {\"title\": null}", actions.get(2));
        assertEquals("note.removed {}", actions.get(3));
    }

    @Test
    void an_audit_row_names_the_actor_and_the_reason_and_cuts_long_values() {
        bus.jdbc()
                .execute(
                        """
                        begin;
                        select act_as('{"kind": "operator", "name": "anna"}', 'tidying up');
                        insert into notes (namespace, title) values ('default', repeat('x', 100000));
                        commit
                        """);

        JsonNode row = bus.one("select to_jsonb(l) from audit_log l where table_name = 'notes'");
        assertEquals("operator:anna", row.get("actor").asText());
        assertEquals("tidying up", row.get("why").asText());
        assertTrue(row.at("/detail/title").asText().length() <= 500, row::toString);
    }

    @Test
    void rows_that_are_over_are_deleted_by_a_rule_and_open_and_young_ones_stay() {
        rule("deleted", null);
        for (int n = 1; n <= 5; n++) {
            note("old " + n, 31);
        }
        note("young", 29);
        note("open", null);

        retire(30);

        assertEquals(List.of("open", "young"), titles("notes"));
        assertEquals(List.of(), titles("notes_history"));
        assertEquals(
                0, bus.count("audit_log where action = 'note.removed'"), "a batch is one row, not one for each note");
        assertEquals(3, bus.count("audit_log where action = 'history.moved' and table_name = 'notes'"));
    }

    @Test
    void rows_are_moved_to_history_after_the_days_of_their_own_rule() {
        rule("moved", 7);
        note("old", 8);
        note("young", 6);

        retire(30);

        assertEquals(List.of("young"), titles("notes"));
        assertEquals(List.of("old"), titles("notes_history"));
    }

    @Test
    void a_namespace_and_a_job_type_that_are_changed_by_hand_leave_audit_rows() {
        bus.jdbc().update("insert into namespaces (namespace) values ('north')");
        bus.jdbc().update("update job_types set max_attempts = 7 where namespace = 'north' and job_type = 'dev'");

        assertEquals(1, bus.count("audit_log where action = 'namespace.added' and row_id = 'north'"));
        assertEquals(
                1,
                bus.count("audit_log where action = 'job_type.changed' and row_id = 'dev' and namespace = 'north'"
                        + " and detail = '{\"max_attempts\": \"7\"}'"));
        assertEquals(0, bus.count("audit_log where action = 'job_type.added'"));
    }
}
