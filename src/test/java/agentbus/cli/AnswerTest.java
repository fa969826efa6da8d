package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerTest extends AgainstABus {
    private static final String ROW = "{\"jobId\":\"" + JOB + "\",\"state\":\"running\",\"targetAgent\":\"devops\","
            + "\"subject\":\"infra.check\",\"priority\":100,\"attemptCount\":1,\"maxAttempts\":5,"
            + "\"nextMove\":\"the agent devops closes it\",\"createdAt\":\"2026-01-31T09:00:00Z\"";

    private List<String> shown(String answer, String... args) {
        bus.answers(200, answer);
        Shell.Run run = shell.run(args);
        assertEquals("", run.err());
        assertEquals(0, run.exit());
        return run.out().lines().toList();
    }

    @Test
    void a_prompt_that_was_asked_for_stands_below_the_job_as_it_was_told() {
        List<String> lines = shown(
                ROW + ",\"attempts\":[{\"attemptNo\":1,\"status\":\"running\",\"promptHash\":\"ab12\","
                        + "\"templateHash\":\"cd34\",\"prompt\":\"Close it:\\n  curl <token>\\u001b[2J\"}]}",
                "get-job",
                JOB,
                "--prompt");
        assertEquals("/v1/jobs/" + JOB + "?prompt=true", bus.request().uri());
        int at = lines.indexOf("what attempt 1 was told (prompt ab12, template cd34)");
        assertTrue(at > 0, lines.toString());
        assertEquals("  | Close it:", lines.get(at + 1));
        assertTrue(lines.get(at + 2).startsWith("  |   curl <token>"), lines.toString());
        assertFalse(lines.toString().contains("\u001b"), lines.toString());
    }

    @Test
    void the_text_of_an_answer_is_printed_as_it_is_without_control_characters() {
        String answer =
                "{\"headline\":\"h\",\"woken\":{},\"markdown\":\"# Account of agent `devops`\\n\\n- `a\\u001b[2Jb\\u202ec`\\n\"}";
        List<String> lines = shown(answer, "account", "--agent", "devops", "--from", "2026-01-31T00:00:00+01:00");
        assertEquals(
                "/v1/account?agent=devops&from=2026-01-31T00%3A00%3A00%2B01%3A00",
                bus.request().uri());
        assertEquals(List.of("# Account of agent `devops`", "", "- `a\u241b[2Jbc`"), lines);
        assertEquals(List.of(answer), shown(answer, "account", "--flow", "release 4.2", "--json"));
        assertEquals(
                List.of("  headline  h"),
                shown("{\"headline\":\"h\",\"woken\":{}}", "account", "--agent", "devops"),
                "an answer without the text");
    }

    @Test
    void a_page_without_rows_says_how_far_the_search_has_come() {
        assertEquals(
                List.of("no events", "Searched to 2026-01-31 09:00:00. There may be more: --after 41"),
                shown(
                        "{\"events\":[],\"next\":41,\"searchedTo\":\"2026-01-31T09:00:00Z\"}",
                        "list-events",
                        "--after",
                        "0"));
        assertEquals(
                List.of("no events", "There may be more: --before 7"),
                shown("{\"events\":[],\"older\":7}", "list-events"));
    }

    @Test
    void options_of_several_words_stand_on_lines_of_their_own() {
        List<String> lines = shown(
                "{\"questionId\":\"" + JOB + "\",\"options\":[\"yes, today\",\"no\"],\"tags\":[\"a\",\"b\"]}",
                "get-question",
                JOB);

        assertTrue(lines.contains("  options      - yes, today"), lines.toString());
        assertTrue(lines.contains("               - no"), lines.toString());
        assertTrue(lines.contains("  tags         a, b"), lines.toString());
    }

    @Test
    void a_list_is_an_aligned_table() {
        String second = "{\"jobId\":\"" + JOB + "\",\"state\":\"dead\",\"targetAgent\":\"writer\",\"subject\":\"a\","
                + "\"priority\":7,\"attemptCount\":5,\"nextMove\":null,\"createdAt\":\"2026-01-31T10:00:00Z\"}";
        List<String> lines = shown("{\"jobs\":[" + ROW + "}," + second + "],\"next\":41}", "list-jobs");
        assertEquals(
                List.of(
                        "JOB ID                                STATE    AGENT   SUBJECT      ATTEMPTS"
                                + "  NEXT MOVE                   CREATED",
                        JOB + "  running  devops  infra.check         1"
                                + "  the agent devops closes it  2026-01-31 09:00:00",
                        JOB + "  dead     writer  a                   5"
                                + "                              2026-01-31 10:00:00",
                        "There may be more: --before 41"),
                lines);
    }

    @Test
    void a_table_fits_the_terminal_and_keeps_its_ids_whole() {
        for (int columns : List.of(80, 100, 132)) {
            shell.env.put("COLUMNS", String.valueOf(columns));
            List<String> lines = shown("{\"jobs\":[" + ROW + "}]}", "list-jobs");
            lines.forEach(line -> assertTrue(line.length() <= columns, line));
            assertTrue(lines.get(1).startsWith(JOB + "  "), lines.get(1));
        }
        assertFalse(shown("{\"jobs\":[" + ROW + "}]}", "list-jobs").get(1).contains("…"));
        shell.env.put("COLUMNS", "100");
        assertTrue(shown("{\"jobs\":[" + ROW + "}]}", "list-jobs").get(1).contains("…"));
        shell.env.put("COLUMNS", "50");
        shown("{\"jobs\":[" + ROW + "}]}", "list-jobs").forEach(line -> assertTrue(line.length() <= 50, line));
    }

    @Test
    void an_empty_list_is_a_sentence() {
        assertEquals(List.of("no jobs"), shown("{\"jobs\":[]}", "list-jobs"));
        assertEquals(List.of("no jobs"), shown("{\"jobs\":[],\"problems\":[]}", "requeue-expired"));
        assertEquals(List.of("no events"), shown("{\"events\":[]}", "list-events"));
    }

    @Test
    void a_job_that_a_sweep_on_request_cannot_move_is_a_failure() {
        bus.answers(200, "{\"jobs\":[],\"problems\":[\"job 1 cannot be moved: broken\"]}");
        Shell.Run run = shell.run("requeue-expired");
        assertEquals(1, run.exit());
        assertEquals(
                List.of("- job 1 cannot be moved: broken", "no jobs"),
                run.out().lines().toList());
    }

    @Test
    void a_claim_shows_the_token_of_its_attempt_whole() {
        shell.env.put("COLUMNS", "80");
        String token = "abt_" + "x".repeat(60);
        String claimed = "{\"jobs\":[{\"jobId\":\"" + JOB + "\",\"attemptId\":\"" + JOB + "\",\"attemptToken\":\""
                + token + "\",\"targetAgent\":\"devops\",\"subject\":\"a\",\"leasedUntil\":\"2026-01-31T09:00:00Z\"}]}";
        assertTrue(
                shown(claimed, "claim-jobs", "--target-agent", "devops").get(1).contains(token));
    }

    @Test
    void a_job_is_a_card_with_its_attempts_dependencies_and_events() {
        String job = ROW + ",\"status\":{\"percent\":40,\"line\":\"reading the logs\",\"at\":\"2026-01-31T09:05:00Z\"},"
                + "\"payload\":{\"host\":\"web-1\",\"deep\":{\"a\":1}},\"summary\":\"first\\nsecond\",\"lastError\":null,"
                + "\"attempts\":[{\"attemptNo\":1,\"status\":\"running\",\"promptHash\":\"abc\",\"startedAt\":\"2026-01-31T09:01:00Z\"}],"
                + "\"dependencies\":[],"
                + "\"events\":[{\"eventId\":\"" + JOB
                + "\",\"seq\":9,\"topic\":\"job.enqueued\",\"createdAt\":\"2026-01-31T09:00:00Z\"}]}";
        assertEquals(
                List.of(
                        "job " + JOB,
                        "  state         running, 1 of 5 attempts used",
                        "  live          40 % reading the logs (at 2026-01-31 09:05:00)",
                        "  next move     the agent devops closes it",
                        "  target agent  devops",
                        "  subject       infra.check",
                        "  priority      100",
                        "  payload       {\"host\":\"web-1\",\"deep\":{\"a\":1}}",
                        "  summary       first",
                        "                second",
                        "  created at    2026-01-31 09:00:00",
                        "",
                        "attempts",
                        "  NO  STATUS   STARTED",
                        "   1  running  2026-01-31 09:01:00",
                        "",
                        "events",
                        "  SEQ  CREATED              TOPIC",
                        "    9  2026-01-31 09:00:00  job.enqueued"),
                shown(job, "get-job", JOB));
    }

    @Test
    void what_a_change_answers_is_the_job_and_the_rest() {
        List<String> lines = shown(
                "{\"job\":" + ROW + "},\"created\":true}", "enqueue-job", "--target-agent", "devops", "--subject", "a");
        assertEquals("job " + JOB, lines.get(0));
        assertEquals("  created  true", lines.get(lines.size() - 1));
        assertEquals(
                List.of("  agent id  devops", "  token     aba_shown"),
                shown("{\"agentId\":\"devops\",\"token\":\"aba_shown\"}", "issue-agent-token", "devops"));
    }

    @Test
    void health_is_0_when_ok_and_1_with_the_problems_first_when_not() {
        assertEquals(
                List.of("ok", "  jobs  queued 3, running 1"),
                shown("{\"jobs\":{\"queued\":3,\"running\":1},\"status\":\"ok\",\"problems\":[]}", "health"));
        String degraded =
                "{\"jobs\":{\"queued\":3},\"status\":\"degraded\",\"problems\":[\"no dispatcher\",\"2 jobs are stuck\"]}";
        bus.answers(200, degraded);
        Shell.Run run = shell.run("health");
        assertEquals(1, run.exit());
        assertEquals(
                List.of("degraded", "  - no dispatcher", "  - 2 jobs are stuck", "  jobs  queued 3"),
                run.out().lines().toList());
        Shell.Run json = shell.run("health", "--json");
        assertEquals(1, json.exit());
        assertEquals(degraded + System.lineSeparator(), json.out());
    }

    @Test
    void health_is_a_few_lines_and_a_table_of_the_dispatchers() {
        String dispatcher =
                "{\"dispatcherId\":\"vm-1-ab\",\"host\":\"vm\",\"status\":\"healthy\",\"wakeSource\":\"listen\","
                        + "\"version\":\"1.0 (commit 1a2b3c4)\",\"listenerConnected\":true,\"leasesOwned\":2,\"ageSeconds\":1.6,\"lastSeen\":\"2026-01-31T09:00:00Z\"}";
        String health = "{\"dead\":1,\"live\":2,\"queued\":3,\"waiting\":4,\"blocked\":0,\"status\":\"degraded\","
                + "\"oldestQueuedSeconds\":190,\"oldestBlockedSeconds\":0,\"dead24h\":1,\"failed24h\":0,"
                + "\"succeeded24h\":9,\"cancelled24h\":0,\"expiredLeases\":0,\"retryHotspots\":0,\"namespace\":\"default\","
                + "\"dispatchersHealthy\":2,\"dispatchersStale\":0,\"leasesOwned\":2,"
                + "\"runsStarted\":1,\"runsCompleted24h\":5,\"runsNoWork24h\":3,\"runsMissed24h\":2,"
                + "\"ideasOpen\":4,\"opportunitiesOpen\":3,\"opportunitiesUndecided\":2,\"oldestUndecidedSeconds\":7300,"
                + "\"opportunitiesConverted24h\":1,\"opportunitiesRejected24h\":0,"
                + "\"memoriesActive\":12,\"memoryCandidatesOpen\":3,\"memoryReviewsOpen\":1,\"oldestMemoryReviewSeconds\":60,"
                + "\"problems\":[\"gateway default is held until 2026-01-31T10:00:00Z: drains\"],\"dispatchers\":["
                + dispatcher + "," + dispatcher.replace("vm-1-ab", "vm-2-cd").replace("true", "false") + "]}";
        bus.answers(200, health);
        assertEquals(
                List.of(
                        "degraded",
                        "  - gateway default is held until 2026-01-31 10:00:00: drains",
                        "  queue       waiting 4, queued 3, live 2, blocked 0, dead 1",
                        "  oldest      queued for 3 min, undecided for 2 h, memory review for 1 min",
                        "  last 24 h   succeeded 9, failed 0, dead 1, cancelled 0",
                        "  slots 24 h  under way 1, completed 5, no work 3, missed 2",
                        "  proposals   ideas open 4, opportunities open 3, undecided 2, converted in 24 h 1, rejected in 24 h 0",
                        "  memories    active 12, candidates open 3, reviews open 1",
                        "  trouble     expired leases 0, jobs with three attempts or more 0",
                        "  namespace   default",
                        "",
                        "ID       HOST  VERSION               STATUS   WAKE SOURCE             LEASES  LAST SEEN",
                        "vm-1-ab  vm    1.0 (commit 1a2b3c4)  healthy  listen                       2  2 s ago",
                        "vm-2-cd  vm    1.0 (commit 1a2b3c4)  healthy  listen (not connected)       2  2 s ago"),
                shell.run("health").out().lines().toList());
    }

    @Test
    void health_has_a_table_of_the_rates_of_proposals_once_there_are_some() {
        bus.answers(
                200,
                "{\"status\":\"ok\",\"problems\":[],\"dispatchers\":[],\"proposalRates\":[{\"sourceAgent\":\"research\",\"made\":22,"
                        + "\"decided\":20,\"accepted\":1,\"rejected\":19,\"hits\":0,\"misses\":1,\"acceptanceRate\":0.05,"
                        + "\"hitRate\":0.0,\"halfBudget\":true}]}");

        List<String> lines = shell.run("health").out().lines().toList();

        assertEquals(
                List.of(
                        "SOURCE AGENT  MADE  DECIDED  ACCEPTED  ACCEPTANCE RATE  HITS  MISSES  HIT RATE  HALF BUDGET",
                        "research        22       20         1             0.05     0       1       0.0  true"),
                lines.subList(lines.size() - 2, lines.size()));
    }

    @Test
    void an_event_is_a_card() {
        String event = "{\"event\":{\"seq\":9,\"topic\":\"infra.checked\",\"eventId\":\"" + JOB
                + "\",\"payload\":{\"at\":\"2026-01-31T09:00:00Z\"},\"createdAt\":\"2026-01-31T09:00:00.12+01:00\"},\"created\":true,\"jobs\":[\""
                + JOB + "\"]}";
        assertEquals(
                List.of(
                        "event " + JOB,
                        "  new         yes",
                        "  topic       infra.checked",
                        "  payload     at 2026-01-31T09:00:00Z",
                        "  created at  2026-01-31 08:00:00",
                        "  seq         9",
                        "  jobs        " + JOB),
                shown(event, "emit-event", "--topic", "infra.checked"));
    }

    @Test
    void a_standing_order_is_a_card_with_its_next_fires_and_runs() {
        List<String> lines = shown(
                "{\"cron\":\"0 0/5 * * * ?\",\"order\":\"check\",\"agentId\":\"devops\",\"schedule\":\"every 5 minutes\","
                        + "\"nextFires\":[\"2026-01-31T09:00:00+00:00\",\"2026-01-31T09:05:00+00:00\"],\"runs\":["
                        + "{\"scheduledFor\":\"2026-01-31T08:55:00+00:00\",\"status\":\"no_work\",\"evidence\":{\"hosts\":3}}]}",
                "get-standing-order",
                "check");
        assertEquals("  order       check", lines.get(0));
        assertTrue(lines.contains("  next fires  2026-01-31 09:00:00, 2026-01-31 09:05:00"), String.join("\n", lines));
        assertEquals("  2026-01-31 08:55:00  no_work  {\"hosts\":3}", lines.get(lines.size() - 1));
    }

    @Test
    void a_run_is_a_card_of_its_own() {
        List<String> lines = shown(
                "{\"run\":{\"runId\":\"" + JOB + "\",\"order\":\"check\",\"status\":\"started\"}}",
                "run-standing-order",
                "check");
        assertEquals(List.of("  order   check", "  status  started", "  run id  " + JOB), lines);
    }

    @Test
    void with_json_the_answer_is_printed_as_it_came() {
        String answer = "{ \"jobs\": [], \"n\": 1.0 }";
        assertEquals(List.of(answer), shown(answer, "list-jobs", "--json"));
        assertEquals(List.of(answer), shown(answer, "--json", "list-jobs"));
    }

    @Test
    void an_answer_deeper_than_a_request_may_be_is_shown() {
        String deep = "{\"jobs\":[{\"subject\":" + "[".repeat(60) + "]".repeat(60) + "}]}";
        assertEquals(2, shown(deep, "list-jobs").size());
    }

    @Test
    void control_characters_of_agents_do_not_reach_the_terminal() {
        String evil = "\\u001b[31mred\\u001b[0m\\u0007\\u009b2J\\u202Eback\\r\\nnext\\u2028more\\u007f";
        String job = "{\"jobId\":\"" + JOB + "\",\"state\":\"dead\",\"subject\":\"" + evil + "\",\"summary\":\"" + evil
                + "\",\"payload\":{\"" + evil + "\":\"" + evil + "\"},\"attempts\":[{\"error\":\"" + evil + "\"}],\""
                + evil
                + "\":1}";
        String table = String.join("\n", shown("{\"jobs\":[" + job + "]}", "list-jobs"));
        String card = String.join("\n", shown(job, "get-job", JOB));
        for (String text : List.of(table, card)) {
            assertTrue(text.codePoints().noneMatch(c -> c != '\n' && Character.isISOControl(c)), text);
            assertFalse(text.contains("\u202E"), text);
            assertTrue(text.contains("␛[31mred␛[0m␇"), text);
        }
        bus.answers(409, "{\"code\":\"wrong_state\",\"detail\":\"" + evil + "\",\"expected\":\"" + evil + "\"}");
        String err = shell.run("get-job", JOB).err();
        assertTrue(err.codePoints().noneMatch(c -> c != '\n' && c != '\r' && Character.isISOControl(c)), err);
    }

    @Test
    void a_refusal_is_1_with_its_code_and_what_would_be_right() {
        String problem = "{\"type\":\"urn:agentbus:problem:stale_attempt\",\"title\":\"Stale attempt\",\"status\":409,"
                + "\"code\":\"stale_attempt\",\"detail\":\"The attempt has ended.\",\"expected\":\"the live attempt\"}";
        bus.answers(409, problem);
        Shell.Run run = shell.run("mark-running-job", JOB);
        assertEquals(1, run.exit());
        assertEquals("", run.out());
        assertEquals(
                List.of("error: The attempt has ended.", "  code: stale_attempt", "  expected: the live attempt"),
                run.err().lines().toList());
        assertEquals(problem, shell.run("mark-running-job", JOB, "--json").err().strip());
    }

    @Test
    void an_answer_that_is_not_of_a_bus_is_told_as_such() {
        for (String body : List.of("<html>Bad Gateway</html>", "", "[]", "{\"error\":1}")) {
            bus.answers(502, body);
            Shell.Run run = shell.run("list-jobs");
            assertEquals(1, run.exit());
            assertTrue(run.err().startsWith("error: The answer (HTTP status 502) is none of agentbus"), run.err());
        }
        bus.answers(200, "hello");
        assertEquals(1, shell.run("list-jobs").exit());
    }

    @Test
    void a_bus_that_is_not_there_is_one_line_with_what_to_do() throws IOException {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        shell.env.put("AGENTBUS_TOKEN", "abo_secret");
        Shell.Run run = shell.run("list-jobs", "--url", "http://127.0.0.1:" + closed);
        assertEquals(1, run.exit());
        assertEquals(
                "error: The bus at http://127.0.0.1:" + closed + " cannot be reached; start it with ./agentbus run or"
                        + " ./agentbus demo, or name another with --url." + System.lineSeparator(),
                run.err());
        String json = shell.run("list-jobs", "--json", "--url", "http://127.0.0.1:" + closed)
                .err();
        assertTrue(json.contains("\"code\":\"unavailable\""), json);
        assertFalse(json.contains("secret"), json);
        assertEquals(
                1, shell.run("health", "--url", "http://no-such-host.invalid").exit());
    }

    @Test
    void a_bus_that_does_not_answer_is_given_up_after_the_timeout() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            String url = "http://127.0.0.1:" + silent.getLocalPort();
            Shell.Run run = shell.run("health", "--url", url, "--http-timeout-seconds", "1");
            assertEquals(1, run.exit());
            assertEquals(
                    "error: No whole answer from the bus at " + url
                            + ": it has not answered within 1 s. The call only reads, so repeat it.",
                    run.err().strip());
        }
    }
}
