package agentbus.http;

import static agentbus.harness.Door.json;
import static agentbus.harness.Door.refused;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What an agent that breaks the rules meets at the door: it is refused and recorded, and the others do not notice. */
@ExtendWith(PostgresExtension.class)
class RulesOverHttpTest {
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(
                database,
                home,
                agent -> switch (agent) {
                    case "worker" ->
                        "mayEnqueueTo: [{agent: other, subjects: [work]}]\nemits: [a.fact]\nmaxFollowUps: 1\n";
                    case "other" -> "mayEnqueueTo: [worker]\nreads: trusted\n";
                    default -> "mayEnqueueTo: ['*']\n";
                },
                "agentbus.limits.calls-per-second",
                "5",
                "agentbus.limits.burst",
                "10",
                "agentbus.limits.bad-tokens-per-minute",
                "3",
                "agentbus.limits.bytes-per-day",
                "1048576",
                "agentbus.http.max-body-bytes",
                "262144");
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static String path(Work work, String step) {
        return "/v1/jobs/" + work.jobId() + "/" + step;
    }

    private static Answer enqueue(String token, String body) {
        return door.call("POST", "/v1/jobs", token, json(body));
    }

    /** Waits until the audit log has a refused call of the actor with the code, and returns its operation. */
    private static String recorded(String actor, String code) {
        return await("the refusal " + code + " of " + actor)
                .until(
                        () -> door
                                .database()
                                .jdbc()
                                .queryForList(
                                        "select detail ->> 'operation' from audit_log where action = 'call.refused'"
                                                + " and actor = ? and detail ->> 'code' = ? order by audit_id desc",
                                        String.class,
                                        actor,
                                        code)
                                .stream()
                                .findFirst()
                                .orElse(null),
                        operation -> operation != null);
    }

    @Test
    void an_agent_that_stores_more_than_its_bytes_of_a_day_is_refused_and_others_are_not() {
        String token = door.agentToken("other");
        String body = "{'targetAgent':'worker','subject':'work','delaySeconds':9999,'payload':{'text':'"
                + "x".repeat(240_000) + "'}}";
        for (int i = 0; i < 4; i++) {
            assertEquals("200", enqueue(token, body).brief());
        }

        Answer refused = door.unchanged(() -> enqueue(token, body));

        Door.assertProblem(refused, 429, "too_many_bytes");
        assertTrue(refused.json().path("detail").asText().startsWith("agent other has stored 96"), refused.text());
        assertEquals(null, refused.header("Retry-After"), "a client that waits until tomorrow would hang");
        assertEquals("enqueueJob", recorded("agent:other", "too_many_bytes"));
        assertEquals("200", enqueue(door.operator(), body).brief());
        assertEquals(
                "200",
                enqueue(token, "{'targetAgent':'worker','subject':'work','delaySeconds':9999}")
                        .brief());
    }

    @Test
    void a_claim_to_be_another_agent_is_refused_and_recorded() {
        Work work = door.work();

        refused(
                door.unchanged(() ->
                        enqueue(work.token(), "{'targetAgent':'other','subject':'work','sourceAgent':'coordinator'}")),
                403,
                "forbidden",
                "sourceAgent",
                "'coordinator'",
                "worker");
        assertEquals("enqueueJob", recorded("attempt:worker", "forbidden"));
    }

    @Test
    void work_for_an_agent_outside_the_handoffs_is_refused_and_recorded() {
        String token = door.agentToken("worker");

        refused(
                door.unchanged(() -> enqueue(token, "{'targetAgent':'coordinator','subject':'work'}")),
                403,
                "handoff_not_allowed",
                "targetAgent",
                "'coordinator'",
                "one of: other with the subject work");
        assertEquals("enqueueJob", recorded("agent:worker", "handoff_not_allowed"));
        assertEquals(
                "200",
                enqueue(token, "{'targetAgent':'other','subject':'work'}").brief());
    }

    @Test
    void a_note_that_cannot_be_written_takes_nothing_away_from_the_refusal() {
        String token = door.agentToken("worker");
        long before = door.bus().exchanges("note-refusal");
        door.database().jdbc().execute("alter table refusals rename to refusals_away");
        try {
            Answer answer = enqueue(token, "{'targetAgent':'coordinator','subject':'work'}");

            Door.assertProblem(answer, 403, "handoff_not_allowed");
            await().until(() -> door.bus().exchanges("note-refusal") > before);
        } finally {
            door.database().jdbc().execute("alter table refusals_away rename to refusals");
        }
    }

    @Test
    void a_topic_of_others_is_refused_and_recorded() {
        Work work = door.work();

        refused(
                door.unchanged(() -> door.call("POST", "/v1/events", work.token(), json("{'topic':'plan.updated'}"))),
                403,
                "topic_not_allowed",
                "topic",
                "'plan.updated'",
                "one of: a.fact");
        assertEquals("emitEvent", recorded("attempt:worker", "topic_not_allowed"));
    }

    @Test
    void a_close_of_a_job_that_the_attempt_does_not_hold_is_refused_and_recorded() {
        Work own = door.work();
        Work foreign = door.work("coordinator");

        Answer answer = door.unchanged(
                () -> door.call("POST", path(foreign, "complete"), own.token(), json("{'summary':'s'}")));

        Door.assertProblem(answer, 403, "wrong_attempt");
        assertEquals("completeJob", recorded("attempt:worker", "wrong_attempt"));
        assertEquals(
                "200",
                door.call("POST", path(foreign, "complete"), foreign.token(), json("{'summary':'s'}"))
                        .brief());
    }

    @Test
    void a_close_with_one_follow_up_too_many_changes_nothing_and_may_be_sent_again_without_it() {
        Work work = door.work();
        String followUp = "{'targetAgent':'other','subject':'work'}";
        Answer answer = door.unchanged(() -> door.call(
                "POST",
                path(work, "complete"),
                work.token(),
                json("{'summary':'s','followUps':[" + followUp + "," + followUp + "]}")));

        Door.assertProblem(answer, 422, "follow_up_limit");
        assertEquals("followUps[1].targetAgent", answer.json().path("field").asText());
        assertEquals("completeJob", recorded("attempt:worker", "follow_up_limit"));
        assertEquals(
                "200",
                door.call(
                                "POST",
                                path(work, "complete"),
                                work.token(),
                                json("{'summary':'s','followUps':[" + followUp + "]}"))
                        .brief());
    }

    @Test
    void text_from_outside_for_an_agent_that_must_not_read_it_is_refused_to_operators_too() {
        Answer answer = door.unchanged(
                () -> door.post("/v1/jobs", json("{'targetAgent':'other','subject':'work','trust':'untrusted'}")));

        Door.assertProblem(answer, 422, "untrusted_input");
    }

    @Test
    void a_result_of_five_megabytes_is_refused_and_recorded() {
        Work work = door.work();
        String body = json("{'summary':'s','result':{'data':'") + "x".repeat(5_000_000) + json("'}}");

        Answer answer = door.call("POST", path(work, "complete"), work.token(), body);

        Door.assertProblem(answer, 413, "body_too_large");
        assertEquals("completeJob", recorded("attempt:worker", "body_too_large"));
        assertEquals(
                "200",
                door.call("POST", path(work, "complete"), work.token(), json("{'summary':'s'}"))
                        .brief());
    }

    @Test
    void an_agent_that_hammers_is_put_off_and_recorded_and_another_is_served_meanwhile() {
        Work hammering = door.work("coordinator");
        Work other = door.work();
        List<Answer> refusals = new ArrayList<>();
        int served = 0;
        for (int i = 0; i < 60; i++) {
            Answer answer = door.call("GET", "/v1/jobs/" + hammering.jobId(), hammering.token(), null);
            if (answer.status() == 200) {
                served++;
            } else {
                refusals.add(answer);
            }
        }
        Answer fromOther = door.call("POST", path(other, "progress"), other.token(), json("{'line':'l'}"));

        assertTrue(served >= 10 && served < 60, served + " calls were served");
        assertEquals("200", fromOther.brief());
        Door.assertProblem(refusals.get(0), 429, "too_many_calls");
        assertEquals("1", refusals.get(0).header("Retry-After"));
        assertEquals("getJob", recorded("attempt:coordinator", "too_many_calls"));
        assertEquals(
                1L,
                door.database()
                        .jdbc()
                        .queryForObject(
                                "select count(*) from audit_log where action = 'call.refused'"
                                        + " and detail ->> 'code' = 'too_many_calls'",
                                Long.class));
    }

    @Test
    void wrong_tokens_are_put_off_after_a_few_and_a_right_one_passes_at_once() {
        Work work = door.work();
        Answer last = null;
        for (int i = 0; i < 5; i++) {
            last = door.call("GET", "/v1/health", "abo_" + "A".repeat(42) + i, null);
        }

        assertNotNull(last);
        Door.assertProblem(last, 429, "too_many_bad_tokens");
        assertEquals("60", last.header("Retry-After"));
        assertEquals("200", door.get("/v1/health").brief());
        assertEquals(
                "200",
                door.call("GET", "/v1/jobs/" + work.jobId(), work.token(), null).brief());
    }
}
