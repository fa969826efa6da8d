package agentbus.mcp;

import static agentbus.harness.Door.answered;
import static agentbus.harness.Door.json;
import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The operation propose, over HTTP and as an MCP tool. */
@ExtendWith(PostgresExtension.class)
class ProposeTest {
    private static final String PATH = "/v1/proposals";
    private static final String IDEA =
            "{'kind':'idea','theme':'Build speed','title':'Cache the packages','body':'Half of each build waits for downloads.'}";
    private static final String WITHOUT_EVIDENCE =
            "{'kind':'opportunity','theme':'build speed','title':'Cache the packages',"
                    + "'whyNow':'Builds take 40 minutes since May.','ifNothing':'Each build waits on.','impactScore':4,"
                    + "'confidenceScore':4,'urgencyScore':2,'reversibility':'high','ownerCandidate':'worker',"
                    + "'suggestedNextStep':'Try it on one build.'";

    private static Door door;
    private static Mcp mcp;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(
                database,
                home,
                agent -> "mayEnqueueTo: ['*']\nproposalBudget: {ideas: 3, opportunities: 2}\n",
                "agentbus.phase",
                "3",
                "agentbus.orders.enabled",
                "false");
        mcp = new Mcp(door);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    @BeforeEach
    void noProposals() {
        door.database().truncate("ideas, opportunities, opportunity_reviews");
    }

    private static String opportunity(String jobId) {
        return WITHOUT_EVIDENCE + ",'evidence':[{'kind':'job','id':'" + jobId + "'}]}";
    }

    @Test
    void an_attempt_proposes_an_idea_in_its_own_name_and_learns_what_is_left() {
        Work work = door.work();

        Answer answer = door.call("POST", PATH, work.token(), json(IDEA));

        answered("propose", answer);
        assertEquals("worker", answer.json().at("/idea/sourceAgent").asText(), answer.text());
        assertEquals(work.jobId(), answer.json().at("/idea/sourceJobId").asText(), answer.text());
        assertTrue(answer.json().path("created").asBoolean(), answer.text());
        assertEquals(2, answer.json().at("/budget/ideas/left").asInt(), answer.text());
        assertEquals(2, answer.json().at("/budget/opportunities/left").asInt(), answer.text());
    }

    @Test
    void an_opportunity_is_proposed_through_the_tool_with_its_evidence() throws IOException {
        Work work = door.work();

        JsonNode result =
                mcp.call("propose", work.token(), opportunity(door.work().jobId()));

        assertFalse(result.path("isError").asBoolean(), result.toString());
        JsonNode answer = result.path("structuredContent");
        assertEquals("new", answer.at("/opportunity/status").asText(), answer.toString());
        assertEquals("worker", answer.at("/opportunity/sourceAgent").asText(), answer.toString());
        assertEquals(1, answer.at("/budget/opportunities/used").asInt(), answer.toString());
        assertEquals(
                answer.at("/opportunity/opportunityId").asText(),
                door.get("/v1/opportunities")
                        .json()
                        .at("/opportunities/0/opportunityId")
                        .asText());
    }

    @Test
    void what_the_bar_needs_is_named_through_both_doors() {
        Work work = door.work();

        Door.assertProblem(door.call("POST", PATH, work.token(), json(WITHOUT_EVIDENCE + "}")), 422, "below_bar");
        JsonNode result = mcp.call("propose", work.token(), WITHOUT_EVIDENCE + "}");
        assertTrue(result.path("isError").asBoolean(), result.toString());
        assertTrue(result.at("/content/0/text").asText().contains("below_bar"), result.toString());
    }

    @Test
    void the_job_that_proposes_is_no_evidence_of_its_own() {
        Work work = door.work();

        Answer answer = door.call("POST", PATH, work.token(), json(opportunity(work.jobId())));

        Door.assertProblem(answer, 422, "below_bar");
        assertTrue(answer.text().contains("the job of the call is no evidence"), answer.text());
    }

    @Test
    void a_field_of_the_other_kind_is_refused_and_no_words_are_dropped() {
        refused(
                door.post(PATH, json(IDEA.replace("}", ",'whyNow':'Since May.'}"))),
                400,
                "unknown_field",
                "whyNow",
                null,
                "the same words in body, or kind opportunity");
        refused(
                door.post(PATH, json(WITHOUT_EVIDENCE + ",'body':'More words.'}")),
                400,
                "unknown_field",
                "body",
                null,
                "the same words in whyNow, or kind idea");
        refused(
                door.post(PATH, json("{'kind':'idea','theme':'build speed','title':'Cache the packages'}")),
                400,
                "missing_field",
                "body",
                null,
                "the idea in words");
        assertEquals(0, door.get("/v1/ideas").json().path("ideas").size());
    }

    @Test
    void the_refusal_of_a_budget_reaches_a_model_with_what_was_sent() {
        Work work = door.work();
        String id = null;
        for (String title : new String[] {"Rotate expired keys", "Shrink nightly image", "Drop unused index"}) {
            Answer answer = door.call(
                    "POST",
                    PATH,
                    work.token(),
                    json("{'kind':'idea','theme':'" + title.toLowerCase(java.util.Locale.ROOT) + "','title':'" + title
                            + "','body':'" + title + ", as each month.'}"));
            assertEquals(200, answer.status(), answer.text());
            id = answer.json().at("/idea/ideaId").asText();
        }

        String problem =
                mcp.call("propose", work.token(), IDEA).at("/content/0/text").asText();

        assertTrue(problem.contains("proposal_budget"), problem);
        assertTrue(problem.contains(id), problem);
        assertTrue(problem.contains("It is free again at "), problem);
    }

    @Test
    void an_operator_proposes_for_an_agent_and_has_no_budget() {
        Answer answer = door.post(PATH, json(IDEA.replace("}", ",'sourceAgent':'other'}")));

        answered("propose", answer);
        assertEquals("other", answer.json().at("/idea/sourceAgent").asText(), answer.text());
        assertFalse(answer.json().has("budget"), answer.text());
        Work work = door.work();
        Door.assertProblem(
                door.call("POST", PATH, work.token(), json(IDEA.replace("}", ",'sourceAgent':'other'}"))),
                403,
                "forbidden");
    }

    @Test
    void an_idle_attempt_proposes_through_both_doors_and_sets_nobody_to_work_through_either() throws IOException {
        Work work = idleWork();
        Answer idea = door.call("POST", PATH, work.token(), json(IDEA));
        assertEquals("idle", idea.json().at("/idea/sourceJobType").asText(), idea.text());
        assertFalse(mcp.call("get", work.token(), "{'jobId':'" + work.jobId() + "'}")
                .path("isError")
                .asBoolean());

        String job = "{'targetAgent':'other','subject':'work'}";
        Door.assertProblem(door.call("POST", "/v1/jobs", work.token(), json(job)), 403, "idle_scope");
        Door.assertProblem(door.call("POST", "/v1/events", work.token(), json("{'topic':'a.b'}")), 403, "idle_scope");
        assertIdleScope(mcp.call("enqueue", work.token(), job));
        assertIdleScope(mcp.call("emit", work.token(), "{'topic':'a.b'}"));
        assertIdleScope(mcp.call(
                "complete", work.token(), "{'jobId':'" + work.jobId() + "','summary':'s','followUps':[" + job + "]}"));
        String complete = "/v1/jobs/" + work.jobId() + "/complete";
        Door.assertProblem(
                door.call("POST", complete, work.token(), json("{'summary':'s','events':[{'topic':'a.b'}]}")),
                403,
                "idle_scope");

        assertEquals(
                200,
                door.call("POST", complete, work.token(), json("{'summary':'s'}"))
                        .status());
    }

    private static void assertIdleScope(JsonNode result) {
        assertTrue(result.path("isError").asBoolean(), result.toString());
        assertTrue(result.at("/content/0/text").asText().contains("idle_scope"), result.toString());
    }

    /** A slot of idle thinking of the coordinator, which has no other work here, claimed by a worker that pulls. */
    private static Work idleWork() {
        door.database().jdbc().queryForObject("select note_phase('default', 5, 'test')", String.class);
        door.database().jdbc().update("update jobs set run_after = now() + interval '1 day' where state = 'queued'");
        door.database()
                .jdbc()
                .update("update agents set idle_questions = '{What changed?}' where agent_id = 'coordinator'");
        door.database()
                .jdbc()
                .queryForObject(
                        "select sync_standing_orders('default', ?::jsonb)::text",
                        String.class,
                        json("[{'name':'think','agent':'coordinator','cron':'0 0 1 * * ?','zone':'UTC','words':'daily',"
                                + "'purpose':'p','instructions':'Think.','session':'isolated','catchUp':'skip',"
                                + "'catchUpCap':3,'staggerSeconds':60,'overlap':'skip','graceSeconds':300,"
                                + "'timeoutSeconds':0,'jobType':'idle','priority':1,'preCheck':'idle',"
                                + "'startedBy':'bus','definitionHash':'1'}]"));
        assertEquals(200, door.post("/v1/standing-orders/think/run", "{}").status());
        Answer claimed = door.post("/v1/jobs/claim", "{\"targetAgent\":\"coordinator\",\"leaseSeconds\":3600}");
        JsonNode job = claimed.json().at("/jobs/0");
        return new Work(
                job.path("jobId").asText(),
                job.path("attemptId").asText(),
                job.path("attemptToken").asText());
    }

    @Test
    void a_frozen_phase_refuses_the_tool_and_keeps_it_listed() {
        Answer frozen = door.post("/v1/pauses/freeze", json("{'kind':'phase','name':'3','reason':'too much'}"));
        assertEquals(200, frozen.status(), frozen.text());
        try {
            JsonNode result = mcp.call("propose", door.work().token(), IDEA);
            assertTrue(result.at("/content/0/text").asText().contains("frozen"), result.toString());
            assertTrue(mcp.request("tools/list", "{}").toString().contains("propose"));
        } finally {
            door.post("/v1/pauses/unfreeze", json("{'kind':'phase','name':'3','reason':'enough'}"));
        }
    }
}
