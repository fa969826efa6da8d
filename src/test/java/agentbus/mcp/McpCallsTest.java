package agentbus.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.LogCapture;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls of MCP tools: whose token they carry, what their arguments are, and what a model is told that got them wrong. */
@ExtendWith(PostgresExtension.class)
class McpCallsTest {
    private static Door door;
    private static Mcp mcp;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        mcp = new Mcp(door);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    /** A refusal that has changed nothing. */
    private static void refused(String code, String field, String tool, String token, String arguments) {
        String before = door.fingerprint();
        JsonNode problem = mcp.refused(tool, token, arguments);
        assertEquals(before, door.fingerprint(), problem.toString());
        assertEquals(code, problem.path("code").asText(), problem.toString());
        assertEquals(field, problem.path("field").textValue(), problem.toString());
        assertFalse(problem.path("detail").asText().isBlank(), problem.toString());
        assertTrue(token == null || token.isBlank() || !problem.toString().contains(token.strip()), problem.toString());
    }

    @Test
    void a_call_without_a_token_is_refused_whatever_the_header_says() {
        for (String tool : new String[] {"get", "progress", "complete", "block", "fail", "enqueue", "emit", "list"}) {
            refused("missing_token", "token", tool, null, "{}");
        }
        refused("missing_token", "token", "list", " ", "{}");
        refused("missing_token", "token", "list", null, "{'token':null}");
    }

    @Test
    void a_token_of_another_kind_is_refused() {
        Work work = door.work();
        String arguments = "{'jobId':'" + work.jobId() + "','summary':'s'}";

        refused("invalid_token", "token", "complete", "Bearer " + work.token(), arguments);
        refused("invalid_token", "token", "complete", work.token().substring(0, 20), arguments);
        refused("invalid_token", "token", "complete", work.token() + "x", arguments);
        refused("invalid_token", "token", "list", "aba_" + "x".repeat(43), "{}");
        refused("invalid_field", "token", "list", null, "{'token':['" + work.token() + "']}");
        refused("forbidden", "token", "complete", door.agentToken("worker"), arguments);
        refused("forbidden", "token", "complete", door.operator(), arguments);
    }

    @Test
    void a_token_opens_its_own_job_alone_and_only_while_its_attempt_lives() {
        Work work = door.work();
        Work other = door.work("other");
        refused("wrong_attempt", "jobId", "progress", work.token(), "{'jobId':'" + other.jobId() + "','line':'l'}");

        mcp.done("complete", work.token(), "{'jobId':'" + work.jobId() + "','summary':'s'}");

        JsonNode late = mcp.refused("fail", work.token(), "{'jobId':'" + work.jobId() + "','error':'e'}");
        assertEquals("stale_attempt", late.path("code").asText());
        refused("stale_attempt", "token", "list", work.token(), "{}");
        mcp.done("complete", other.token(), "{'jobId':'" + other.jobId() + "','summary':'s'}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "progress|{'line':5}|invalid_field|line",
                "progress|{'line':'l','percent':'forty'}|invalid_field|percent",
                "progress|{'line':'l','percent':101}|invalid_field|percent",
                "progress|{}|missing_field|line",
                "progress|{'line':'l','prcent':1}|unknown_field|prcent",
                "complete|{'summary':'s','followUps':{}}|invalid_field|followUps",
                "complete|{'summary':'s','followUps':[{'targetAgent':'other','subject':'work','prio':1}]}|unknown_field|followUps[0].prio",
                "complete|{'summary':'s','followUps':[{'targetAgent':'nobody','subject':'work'}]}|unknown_agent|followUps[0].targetAgent",
                "complete|{'summary':'s','result':'text'}|invalid_field|result",
                "block|{'reason':'r','unblock':{'at':'tomorrow'}}|invalid_field|unblock.at",
            })
    void an_argument_that_is_wrong_is_named(String tool, String arguments, String code, String field) {
        Work work = door.work();
        String with = arguments
                .replaceFirst("\\{", "{'jobId':'" + work.jobId() + "',")
                .replace(",}", "}");

        refused(code, field, tool, work.token(), with);
    }

    @Test
    void an_object_or_a_list_that_came_as_its_text_is_taken() {
        Work work = door.work();

        JsonNode done = mcp.done(
                "complete",
                work.token(),
                "{'jobId':'" + work.jobId() + "','summary':'s','result':'{\\'load\\':0.45}',"
                        + "'followUps':'[{\\'targetAgent\\':\\'worker\\',\\'subject\\':\\'work\\',"
                        + "\\'payload\\':\\'{\\\\\\'text\\\\\\':\\\\\\'{}\\\\\\'}\\'}]'}");

        JsonNode job = door.get("/v1/jobs/" + work.jobId()).json();
        assertEquals("{\"load\":0.45}", job.path("result").toString(), job.toString());
        JsonNode followUp =
                door.get("/v1/jobs/" + done.at("/followUps/0").asText()).json();
        assertEquals("{\"text\":\"{}\"}", followUp.path("payload").toString(), done.toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'result':'[1]'|result",
                "'result':'load is 0.4'|result",
                "'result':'{'|result",
                "'result':''|result",
                "'followUps':'{}'|followUps",
                "'followUps':['x']|followUps[0]"
            })
    void a_text_that_is_no_object_or_list_is_refused(String argument, String field) {
        Work work = door.work();

        refused(
                "invalid_field",
                field,
                "complete",
                work.token(),
                "{'jobId':'" + work.jobId() + "','summary':'s'," + argument + "}");
    }

    @Test
    void an_input_that_the_list_does_not_show_is_taken_all_the_same() {
        JsonNode job = mcp.done(
                "enqueue",
                door.operator(),
                "{'targetAgent':'worker','subject':'work','correlationKey':'k-1','delaySeconds':60}");

        assertEquals(
                job.at("/job/jobId"),
                door.get("/v1/jobs?correlationKey=k-1").json().at("/jobs/0/jobId"));
    }

    @Test
    void numbers_keep_their_digits_on_the_way() {
        String payload = "{'a':1.10,'b':123456789012345678901234567890,'c':0.1000000000000000055511151231257827}";

        JsonNode overMcp = mcp.done("emit", door.operator(), "{'topic':'digits','payload':" + payload + "}");
        String raw = mcp.post(
                        Door.json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'emit','arguments':"
                                + "{'token':'" + door.operator() + "','topic':'digits','payload':" + payload + "}}}"))
                .text();

        assertTrue(overMcp.path("created").asBoolean());
        Matcher id = Pattern.compile("\"eventId\":\"([^\"]+)").matcher(raw);
        assertTrue(id.find(), raw);
        String exact = id.group(1);
        for (String digits :
                new String[] {"1.10", "123456789012345678901234567890", "0.1000000000000000055511151231257827"}) {
            assertTrue(raw.contains(":" + digits), raw);
            String stored = door.get("/v1/events/" + exact).text();
            assertTrue(stored.contains(":" + digits), stored);
        }
    }

    @Test
    void an_answer_to_a_model_is_short_and_says_what_it_leaves_out() {
        String large = "x".repeat(60_000);
        String job = "";
        for (int i = 0; i < 30; i++) {
            job = door.post(
                            "/v1/jobs",
                            Door.json("{'targetAgent':'worker','subject':'work','delaySeconds':9999,'flowKey':'large',"
                                    + "'payload':{'text':'" + large + "'}}"))
                    .json()
                    .at("/job/jobId")
                    .asText();
        }

        JsonNode list = mcp.call("list", door.operator(), "{'flowKey':'large','limit':30}");
        JsonNode get = mcp.call("get", door.operator(), "{'jobId':'" + job + "'}");

        assertTrue(list.toString().length() < 32_000, list.toString().length() + " bytes");
        JsonNode page = list.get("structuredContent");
        assertTrue(page.get("jobs").size() > 5 && page.get("jobs").size() < 30, page.toString());
        assertEquals(page.at("/jobs/" + (page.get("jobs").size() - 1) + "/seq"), page.get("next"));
        assertTrue(get.toString().length() < 32_000, get.toString().length() + " bytes");
        assertTrue(
                get.at("/structuredContent/leftOut/0").asText().startsWith("payload.text: "),
                get.at("/structuredContent/leftOut").toString());
    }

    @Test
    void a_call_is_counted_as_one_over_http_is() {
        Work work = door.work();
        double completed = counted("completeJob", "200");
        double refused = counted("completeJob", "400");

        mcp.refused("complete", work.token(), "{'jobId':'" + work.jobId() + "'}");
        mcp.done("complete", work.token(), "{'jobId':'" + work.jobId() + "','summary':'s'}");

        assertEquals(completed + 1, counted("completeJob", "200"));
        assertEquals(refused + 1, counted("completeJob", "400"));
    }

    private static double counted(String operation, String status) {
        Matcher line = Pattern.compile("agentbus_api_calls_total\\{operation=\"" + operation + "\",status=\"" + status
                        + "\"\\} ([0-9.]+)")
                .matcher(door.get("/observe/metrics").text());
        return line.find() ? Double.parseDouble(line.group(1)) : 0;
    }

    @Test
    void an_error_of_the_bus_is_a_result_without_its_insides_and_no_token_is_logged() {
        Work work = door.work();
        try (LogCapture log = new LogCapture()) {
            door.database()
                    .jdbc()
                    .execute("alter function complete_jobs(uuid[], jsonb[]) rename to complete_jobs_gone");
            try {
                refused(
                        "internal",
                        null,
                        "complete",
                        work.token(),
                        "{'jobId':'" + work.jobId() + "','summary':'nobody-else-s-business'}");
            } finally {
                door.database()
                        .jdbc()
                        .execute("alter function complete_jobs_gone(uuid[], jsonb[]) rename to complete_jobs");
            }
            mcp.refused("complete", "abt_" + work.token().substring(4).toLowerCase(java.util.Locale.ROOT), "{}");
            mcp.post(Door.json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'get','arguments':'"
                    + work.token() + "'}}"));
            mcp.post(work.token());
            mcp.post(Door.json(
                    "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'clientInfo':'" + work.token() + "'}}"));

            String all = String.join("\n", log.lines());
            assertTrue(all.contains("complete_jobs"), all);
            assertFalse(all.contains(work.token()) || all.contains(door.operator()), all);
            assertFalse(all.contains("nobody-else-s-business"), all);
        }
        mcp.done("complete", work.token(), "{'jobId':'" + work.jobId() + "','summary':'s'}");
    }
}
