package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Mcp;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Sha256;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.JdbcTemplate;

/** The sessions of browsers: how they begin and end, and that no other page can use them. */
@ExtendWith(PostgresExtension.class)
class ConsoleSessionsTest {
    private static Door door;
    private static String url;
    private Browser browser;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        url = door.bus().bus().url();
    }

    @AfterAll
    static void close() {
        door.requireNoCallLeft();
        door.close();
    }

    @BeforeEach
    void login() {
        browser = new Browser(url).login(door.operator());
    }

    private static int port() {
        return URI.create(url).getPort();
    }

    private static int sessions() {
        return door.database().jdbc().queryForObject("select count(*) from console_sessions", Integer.class);
    }

    @Test
    void a_token_has_a_limited_number_of_sessions_and_the_one_unused_for_longest_makes_room() {
        JdbcTemplate jdbc = door.database().jdbc();
        int most = jdbc.queryForObject("select console_sessions_of_token()", Integer.class);
        String ofOperator = "from console_sessions where token_hash = decode('" + Sha256.hex(door.operator())
                + "', 'hex') and ended_at is null and ends_at > now()";
        jdbc.update("update console_sessions set used_at = now() - interval '1 hour'");
        jdbc.update(
                "insert into console_sessions (session_hash, token_hash, namespace, ends_at)"
                        + " select sha256(n::text::bytea), token_hash, namespace, ends_at"
                        + " from (select * " + ofOperator + " limit 1) s, generate_series(2, ?) n",
                most);
        try {
            Browser newest = new Browser(url).login(door.operator());

            assertEquals(most, jdbc.queryForObject("select count(*) " + ofOperator, Integer.class));
            assertEquals(200, newest.get("/v1/whoami").status());
            Answer ended = browser.get("/v1/whoami");
            Door.assertProblem(ended, 401, "session_ended");
            assertTrue(ended.text().contains(": a newer login took its place"), ended.text());
        } finally {
            jdbc.update(
                    "delete from console_sessions where session_hash in (select sha256(n::text::bytea)"
                            + " from generate_series(2, ?) n)",
                    most);
        }
    }

    @Test
    void a_token_becomes_a_cookie_that_no_script_reads_and_the_api_takes_it() {
        Answer login = browser.post("/console/session", "{\"token\":\"" + door.operator() + "\"}");

        assertEquals(204, login.status());
        assertEquals("", login.text());
        assertTrue(
                login.header("Set-Cookie")
                        .matches("agentbus_session_" + port()
                                + "=abs_[A-Za-z0-9_-]{43}; Max-Age=43200; (Expires=[^;]+; )?Path=/; "
                                + "HTTPOnly; SameSite=Strict"),
                login.header("Set-Cookie"));
        Answer me = browser.get("/v1/whoami");
        Door.answered("whoami", me);
        assertEquals("operator", me.json().path("kind").asText());
        assertEquals("operate", me.json().path("scope").asText());
        assertEquals("[\"default\"]", me.json().path("namespaces").toString());
        assertEquals(1, me.json().path("phase").asInt());
        assertFalse(me.json().path("version").asText().isEmpty());
    }

    @Test
    void the_session_of_another_bus_on_this_host_neither_counts_nor_is_lost() {
        String own = browser.cookie();
        String other = "agentbus_session_1=abs_" + "A".repeat(43);

        assertEquals(200, browser.cookie(other + "; " + own).get("/v1/whoami").status());
        assertEquals(
                401,
                browser.cookie(own.replace("_" + port() + "=", "_1="))
                        .get("/v1/whoami")
                        .status());
    }

    @Test
    void the_database_has_the_hash_of_the_cookie_and_the_audit_log_the_person() {
        String cookie = browser.cookie().split("=", 2)[1];
        Map<String, Object> row = door.database()
                .jdbc()
                .queryForMap(
                        "select session_id::text, extract(epoch from ends_at - created_at)::int as seconds,"
                                + " encode(session_hash, 'hex') = encode(sha256(convert_to(?, 'UTF8')), 'hex') as same"
                                + " from console_sessions order by created_at desc limit 1",
                        cookie);
        assertEquals(true, row.get("same"));
        assertEquals(43_200, row.get("seconds"));
        assertEquals(
                "operator:first-operator logged in",
                door.database()
                        .jdbc()
                        .queryForObject(
                                "select actor || ' ' || why from audit_log where action = 'session.opened' and row_id = ?",
                                String.class,
                                row.get("session_id")));

        Answer answer = browser.post("/v1/jobs", "{\"targetAgent\":\"worker\",\"subject\":\"work\"}");
        assertEquals(
                "operator:first-operator",
                door.database()
                        .jdbc()
                        .queryForObject(
                                "select actor from audit_log where action = 'job.enqueued' and row_id = ?",
                                String.class,
                                answer.json().at("/job/jobId").asText()));
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "GET, cross-site, -, 403",
                "GET, same-site, -, 403",
                "GET, none, -, 403",
                "GET, same-origin, https://evil.example, 403",
                "GET, -, -, 403",
                "GET, -, https://evil.example, 403",
                "GET, -, null, 403",
                "GET, -, own, 200",
                "GET, same-origin, -, 200",
                "POST, same-origin, -, 403",
                "POST, same-origin, https://evil.example, 403",
                "POST, same-origin, null, 403",
                "POST, cross-site, own, 403",
                "POST, -, https://evil.example, 403",
                "POST, -, own, 200",
                "POST, same-origin, own, 200"
            })
    void only_a_page_of_the_console_may_use_the_cookie(String method, String site, String origin, int status) {
        List<String> headers = new ArrayList<>(List.of("Content-Type", "application/json"));
        if (site != null) {
            headers.addAll(List.of("Sec-Fetch-Site", site));
        }
        if (origin != null) {
            headers.addAll(List.of("Origin", origin.equals("own") ? url : origin));
        }
        String body = method.equals("GET") ? null : "{\"topic\":\"a.fact\"}";
        Answer answer = browser.send(method, "/v1/events", body, headers.toArray(String[]::new));

        assertEquals(status, answer.status(), answer.text());
        if (status == 403) {
            Door.assertProblem(answer, 403, "cross_site");
        }
        if (site != null && site.startsWith("cross") || origin != null && origin.startsWith("https")) {
            Answer login = browser.send(
                    "POST",
                    "/console/session",
                    "{\"token\":\"" + door.operator() + "\"}",
                    headers.toArray(String[]::new));
            Door.assertProblem(login, 403, "cross_site");
        }
    }

    @Test
    void a_form_of_another_page_changes_nothing() {
        Answer answer = door.unchanged(() -> browser.send(
                "POST",
                "/v1/events",
                "{\"topic\":\"a.fact\",\"x\":\"=\"}",
                "Content-Type",
                "text/plain",
                "Sec-Fetch-Site",
                "cross-site",
                "Origin",
                "https://evil.example"));

        Door.assertProblem(answer, 403, "cross_site");
    }

    @Test
    void a_host_that_is_no_name_of_the_bus_gets_neither_page_nor_session() {
        for (String line : List.of("GET /", "GET /console/jobs", "POST /console/session", "GET /console/events")) {
            Answer answer = door.raw(line, "Host: evil.example", "Accept: text/event-stream", "Content-Length: 0");
            assertEquals(403, answer.status(), line);
            assertEquals("Host", answer.json().path("field").asText(), line);
        }
    }

    @Test
    void a_forged_session_is_refused_and_counts_as_a_wrong_token() {
        double before = badTokens();

        Answer unknown = browser.session("abs_" + "A".repeat(43)).get("/v1/jobs");
        Answer malformed = browser.session("abo_whatever").get("/v1/jobs");

        Door.assertProblem(unknown, 401, "invalid_token");
        Door.assertProblem(malformed, 401, "invalid_token");
        assertEquals(before + 2, badTokens());
    }

    private static double badTokens() {
        return door.call("GET", "/observe/metrics", null, null)
                .text()
                .lines()
                .filter(line -> line.startsWith("agentbus_bad_tokens_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    @Test
    void a_wrong_token_opens_no_session_and_counts() {
        double before = badTokens();
        int sessions = sessions();

        Door.assertProblem(
                browser.post("/console/session", "{\"token\":\"abo_" + "A".repeat(43) + "\"}"), 401, "invalid_token");
        Door.assertProblem(browser.post("/console/session", "{\"token\":\"nonsense\"}"), 401, "invalid_token");

        assertEquals(before + 2, badTokens());
        assertEquals(sessions, sessions());
    }

    @Test
    void only_people_have_sessions() {
        int sessions = sessions();
        Answer agent = browser.post("/console/session", "{\"token\":\"" + door.agentToken("worker") + "\"}");
        Answer attempt =
                browser.post("/console/session", "{\"token\":\"" + door.work().token() + "\"}");

        Door.assertProblem(agent, 403, "forbidden");
        Door.assertProblem(attempt, 403, "forbidden");
        assertEquals(sessions, sessions());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|400 missing_field token",
                "{\"token\":7}|400 missing_field token",
                "{\"token\":\"abo_x\",\"name\":\"anna\"}|400 unknown_field name",
                "[]|400 malformed_json",
                "{|400 malformed_json"
            })
    void a_login_is_one_token(String body, String brief) {
        assertEquals(brief, browser.post("/console/session", body).brief());
    }

    @Test
    void a_form_is_no_login() {
        Answer answer = browser.send(
                "POST",
                "/console/session",
                "token=" + door.operator(),
                "Content-Type",
                "application/x-www-form-urlencoded",
                "Sec-Fetch-Site",
                "same-origin",
                "Origin",
                url);

        Door.assertProblem(answer, 415, "unsupported_media_type");
    }

    @Test
    void a_session_is_over_with_its_logout() {
        Answer logout = browser.call("DELETE", "/console/session", null);

        assertEquals(204, logout.status(), logout.text());
        assertTrue(
                logout.header("Set-Cookie").startsWith("agentbus_session_" + port() + "=; Max-Age=0"),
                logout.header("Set-Cookie"));
        Answer after = browser.get("/v1/jobs");
        Door.assertProblem(after, 401, "session_ended");
        assertTrue(after.json().path("detail").asText().endsWith(": it was logged out"), after.text());
        assertEquals(204, browser.call("DELETE", "/console/session", null).status());
        assertEquals(
                204, new Browser(url).call("DELETE", "/console/session", null).status());
    }

    @Test
    void a_session_is_over_after_half_a_day_and_with_its_token() {
        Browser viewer = new Browser(url).login(viewerToken("night"));
        assertEquals(200, viewer.get("/v1/jobs").status());
        door.post("/v1/viewers/night/revoke", "{\"reason\":\"has left\"}");
        Answer revoked = viewer.get("/v1/jobs");
        door.database()
                .jdbc()
                .update("update console_sessions set created_at = created_at - interval '13 hours',"
                        + " ends_at = ends_at - interval '13 hours' where token_hash in"
                        + " (select token_hash from access_tokens where kind = 'operator')");
        Answer late = browser.get("/v1/jobs");
        double bad = badTokens();
        Answer again = browser.get("/v1/jobs");

        Door.assertProblem(revoked, 401, "session_ended");
        assertTrue(revoked.json().path("detail").asText().endsWith(": its token was revoked"), revoked.text());
        Door.assertProblem(late, 401, "session_ended");
        assertTrue(late.json().path("detail").asText().endsWith("as long as a session may"), late.text());
        // A page that goes on to ask is no attack.
        Door.assertProblem(again, 401, "session_ended");
        assertEquals(bad, badTokens());
    }

    private static String viewerToken(String name) {
        return door.post("/v1/viewers/" + name + "/token", "{\"reason\":\"test\"}")
                .json()
                .path("token")
                .asText();
    }

    @Test
    void the_cookie_is_nothing_to_agents_gateways_and_mcp() {
        String jobId = door.job();
        Door.assertProblem(browser.post("/v1/jobs/" + jobId + "/complete", "{\"summary\":\"s\"}"), 403, "forbidden");
        Door.assertProblem(
                browser.post("/v1/gateway/started", "{\"bootId\":\"b\",\"version\":\"1\"}"), 403, "forbidden");
        Answer tool = browser.send(
                "POST",
                "/mcp",
                Door.json(
                        "{'jsonrpc':'2.0','id':1,'method':'tools/call'," + "'params':{'name':'list','arguments':{}}}"),
                joined(Mcp.HEADERS, "Origin", url, "Sec-Fetch-Site", "same-origin"));
        assertTrue(tool.text().contains("missing_token"), tool.text());
    }

    private static String[] joined(String[] some, String... more) {
        List<String> all = new ArrayList<>(List.of(some));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void a_token_in_the_header_counts_before_the_cookie() {
        Answer answer = browser.send(
                "GET", "/v1/whoami", null, "Authorization", "Bearer " + viewerToken("dora"), "Sec-Fetch-Site", "none");

        assertEquals("viewer", answer.json().path("kind").asText(), answer.text());
    }

    @Test
    void the_use_of_a_session_is_noted_once_a_minute() {
        browser.get("/v1/jobs");
        double before = usedAt();
        browser.get("/v1/jobs");
        assertEquals(before, usedAt());

        door.database().jdbc().update("update console_sessions set used_at = used_at - interval '2 minutes'");
        browser.get("/v1/jobs");

        assertTrue(usedAt() >= before);
    }

    private static double usedAt() {
        return door.database()
                .jdbc()
                .queryForObject("select max(extract(epoch from used_at)) from console_sessions", Double.class);
    }
}
