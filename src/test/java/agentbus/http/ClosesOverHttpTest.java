package agentbus.http;

import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Closes that come twice, late, or from somebody else; and what a caller hears when the bus itself fails. */
@ExtendWith(PostgresExtension.class)
class ClosesOverHttpTest {
    private static final String LIVE = "the token of the live attempt, which its own prompt holds";
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static Answer say(Work work, String step, String body) {
        return door.call("POST", "/v1/jobs/" + work.jobId() + "/" + step, work.token(), body);
    }

    @ParameterizedTest
    @CsvSource({"complete,summary", "fail,error", "block,reason"})
    void verdicts_on_memories_that_are_not_in_the_prompt_are_told_and_hold_no_close(String step, String field) {
        Answer answer = say(
                door.work(),
                step,
                Door.json("{'" + field + "':'s','memories':[{'id':'m1','verdict':'used','note':''}]}"));

        assertEquals(200, answer.status(), answer.text());
        assertEquals("m1", answer.json().at("/memoriesIgnored/0").asText(), answer.text());
    }

    private static long lateReports() {
        return door.database()
                .jdbc()
                .queryForObject("select count(*) from events where topic = 'job.late_report'", Long.class);
    }

    private static String fingerprintWithoutEvents() {
        return door.fingerprint().replaceAll("(?m)^events .*\n", "");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "complete|{'summary':'s','result':{'b':1,'a':[null]},'followUps':[{'targetAgent':'other','subject':'work'}],'events':[{'topic':'a.fact'}]}",
                "fail|{'error':'e','retryAfterSeconds':60}",
                "fail|{'error':'e','retry':false}",
                "block|{'reason':'r','unblock':{'person':'anna'}}",
            })
    void a_close_said_again_is_answered_byte_for_byte_the_same(String step, String body) {
        Work work = door.work();
        Answer first = say(work, step, Door.json(body));
        assertEquals(200, first.status(), first.text());

        Answer second = door.unchanged(() -> say(work, step, Door.json(body)));
        // The same fields in another order, with other white space.
        Answer third = door.unchanged(() -> say(work, step, Door.json(body).replace(":", " : ")));

        assertEquals(first.text(), second.text());
        assertEquals(first.text(), third.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "complete|{'summary':'other'}",
                "fail|{'error':'e'}",
                "block|{'reason':'r'}",
                "renew|",
                "progress|{'line':'l'}",
                "running|"
            })
    void a_word_of_an_attempt_that_is_over_is_refused_and_kept_once(String step, String body) {
        Work work = door.work();
        assertEquals("200", say(work, "complete", "{\"summary\":\"s\"}").brief());
        long before = lateReports();
        String tables = fingerprintWithoutEvents();

        for (int i = 0; i < 2; i++) {
            Answer late = say(work, step, body == null ? null : Door.json(body));
            refused(late, 409, "stale_attempt", "token", null, LIVE);
        }

        assertEquals(before + 1, lateReports());
        assertEquals(tables, fingerprintWithoutEvents());
    }

    @Test
    void a_token_of_an_attempt_that_is_over_opens_nothing_else() {
        Work work = door.work();
        say(work, "complete", "{\"summary\":\"s\"}");

        for (String path : List.of("/v1/health", "/v1/jobs", "/v1/jobs/" + work.jobId(), "/v1/agents", "/v1/events")) {
            refused(
                    door.unchanged(() -> door.call("GET", path, work.token(), null)),
                    409,
                    "stale_attempt",
                    "token",
                    null,
                    "the token of a live attempt");
        }
    }

    @Test
    void a_close_after_a_cancel_is_refused() {
        Work work = door.work();
        assertEquals(
                "200",
                door.post("/v1/jobs/" + work.jobId() + "/cancel", "{\"reason\":\"r\"}")
                        .brief());

        refused(say(work, "complete", "{\"summary\":\"s\"}"), 409, "stale_attempt", "token", null, LIVE);
        assertEquals(
                "cancelled",
                door.get("/v1/jobs/" + work.jobId()).json().path("state").asText());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "complete|{'summary':'s'}",
                "fail|{'error':'e'}",
                "block|{'reason':'r'}",
                "renew|",
                "progress|{'line':'l'}",
                "running|"
            })
    void somebody_else_s_job_cannot_be_closed(String step, String body) {
        Work mine = door.work();
        Work theirs = door.work("other");
        String json = body == null ? null : Door.json(body);

        Answer answer =
                door.unchanged(() -> door.call("POST", "/v1/jobs/" + theirs.jobId() + "/" + step, mine.token(), json));

        refused(answer, 403, "wrong_attempt", "jobId", "'" + theirs.jobId() + "'", mine.jobId());
        assertEquals("200", say(theirs, "complete", "{\"summary\":\"s\"}").brief());
        assertEquals("200", say(mine, "complete", "{\"summary\":\"s\"}").brief());
    }

    @Test
    void a_close_with_a_follow_up_that_is_refused_changes_nothing() {
        Work work = door.work();

        refused(
                door.unchanged(() -> say(
                        work,
                        "complete",
                        "{\"summary\":\"s\",\"followUps\":[{\"targetAgent\":\"nobody\",\"subject\":\"work\"}]}")),
                422,
                "unknown_agent",
                "followUps[0].targetAgent",
                "'nobody'",
                "one of: coordinator, other, worker");
        refused(
                door.unchanged(
                        () -> say(
                                work,
                                "complete",
                                "{\"summary\":\"s\",\"followUps\":[{\"targetAgent\":\"other\",\"subject\":\"work\",\"prio\":1}]}")),
                400,
                "unknown_field",
                "followUps[0].prio",
                "1",
                "priority");
        assertEquals("200", say(work, "complete", "{\"summary\":\"s\"}").brief());
    }

    @Test
    void an_error_of_the_bus_says_nothing_but_where_the_log_tells_it() {
        Work work = door.work();
        String body = "{\"summary\":\"nobody-else-s-business\"}";
        try (LogCapture log = new LogCapture()) {
            door.database()
                    .jdbc()
                    .execute("alter function complete_jobs(uuid[], jsonb[]) rename to complete_jobs_gone");
            Answer answer;
            try {
                answer = door.unchanged(() -> say(work, "complete", body));
            } finally {
                door.database()
                        .jdbc()
                        .execute("alter function complete_jobs_gone(uuid[], jsonb[]) rename to complete_jobs");
            }

            Door.assertProblem(answer, 500, "internal");
            assertFalse(answer.text().contains("complete_job"), answer.text());
            assertFalse(answer.text().contains("nobody-else-s-business"), answer.text());
            String reference = answer.text().replaceAll("(?s).*under ([0-9a-f-]{36})\\..*", "$1");
            List<String> lines = log.lines().stream()
                    .filter(line -> line.contains(reference))
                    .toList();
            assertEquals(1, lines.size(), String.join("\n", log.lines()));
            assertTrue(lines.get(0).contains("complete_job"), lines.get(0));
            String all = String.join("\n", log.lines());
            assertFalse(all.contains(work.token()) || all.contains(door.operator()), all);
            assertFalse(all.contains("nobody-else-s-business"), all);
        }
        assertEquals("200", say(work, "complete", body).brief());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {"complete|{'summary':'s'}|1|200", "fail|{'error':'e'}|1|200", "fail|{'error':'e'}|2|503"})
    void a_call_that_postgres_undoes_for_another_is_run_once_more(
            String step, String body, int deadlocks, String answered) {
        Work work = door.work();
        door.database()
                .jdbc()
                .execute(
                        """
                        create sequence deadlocks;
                        create function meet_deadlock() returns trigger language plpgsql as $$
                        begin
                          if nextval('deadlocks') <= %d then
                            raise exception 'deadlock detected' using errcode = '40P01';
                          end if;
                          return null;
                        end
                        $$;
                        create trigger meet_deadlock after update on job_attempts for each statement execute function meet_deadlock()
                        """
                                .formatted(deadlocks));
        try {
            assertEquals(answered, say(work, step, Door.json(body)).brief().substring(0, 3));
        } finally {
            door.database()
                    .jdbc()
                    .execute("drop trigger meet_deadlock on job_attempts; drop function meet_deadlock();"
                            + " drop sequence deadlocks");
        }
    }
}
