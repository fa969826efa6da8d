package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page of the console and its files, as a browser gets them. */
@ExtendWith(PostgresExtension.class)
class ConsolePagesTest {
    private static final Pattern FILE = Pattern.compile("/console/[0-9a-f]{16}/[a-z.-]+");
    private static Door door;
    private static Browser browser;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
        browser = new Browser(door.bus().bus().url());
    }

    @AfterAll
    static void close() {
        door.requireNoCallLeft();
        door.close();
    }

    @Test
    void every_page_in_the_table_of_pages_can_be_opened_by_its_address() throws IOException {
        String table = Files.readString(Path.of("src/main/resources/console/pages.js"));
        List<String> refused = Pattern.compile("\\bname: \"([a-z-]+)\"")
                .matcher(table)
                .results()
                .map(match -> "/console/" + match.group(1))
                .filter(address -> browser.send("GET", address, null).status() != 200)
                .toList();
        assertEquals(List.of(), refused);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/console",
                "/console/",
                "/console/needs-me",
                "/console/overview?hours=24",
                "/console/jobs?state=dead",
                "/console/jobs/01890000-0000-7000-8000-000000000000",
                "/console/orders",
                "/console/orders/coordinator-triage",
                "/console/agents",
                "/console/agents/devops",
                "/console/opportunities?status=parked",
                "/console/opportunities/01890000-0000-7000-8000-000000000000",
                "/console/ideas",
                "/console/ideas/01890000-0000-7000-8000-000000000000",
                "/console/memories?kind=lesson",
                "/console/memories/01890000-0000-7000-8000-000000000000",
                "/console/memory-candidates",
                "/console/memory-candidates/01890000-0000-7000-8000-000000000000",
                "/console/memory-reviews",
                "/console/idle?days=30",
                "/console/vault",
                "/console/reports",
                "/console/reports/01890000-0000-7000-8000-000000000000",
                "/console/events",
                "/console/audit",
                "/console/gateways",
                "/console/account",
                "/console/questions/01890000-0000-7000-8000-000000000000",
                "/console/bulk/01890000-0000-7000-8000-000000000000"
            })
    void every_address_of_the_page_is_the_same_page(String path) {
        Answer page = browser.send("GET", path, null);

        assertEquals(200, page.status(), page.text());
        assertEquals("text/html; charset=utf-8", page.header("Content-Type"));
        assertEquals("no-cache", page.header("Cache-Control"));
        assertEquals(browser.get("/").text(), page.text());
        assertFalse(page.text().contains("@version@"), page.text());
    }

    @Test
    void the_page_runs_no_code_but_its_files_and_talks_to_nobody_else() {
        Answer page = browser.get("/");
        String policy = page.header("Content-Security-Policy");

        assertTrue(policy.startsWith("default-src 'none'; script-src 'self' 'sha256-"), policy);
        assertFalse(policy.contains("unsafe"), policy);
        assertTrue(policy.endsWith("frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"));
        assertEquals("nosniff", page.header("X-Content-Type-Options"));
        assertEquals("no-referrer", page.header("Referrer-Policy"));
        assertEquals("same-origin", page.header("Cross-Origin-Opener-Policy"));
        assertEquals("same-origin", page.header("Cross-Origin-Resource-Policy"));
        // The one inline script asks the first questions, and its hash is the one in the policy.
        List<MatchResult> inline = Pattern.compile("<script(?![^>]* src=)[^>]*>(.*?)</script>", Pattern.DOTALL)
                .matcher(page.text())
                .results()
                .toList();
        assertEquals(1, inline.size(), page.text());
        String hash = Base64.getEncoder().encodeToString(Sha256.of(inline.get(0).group(1)));
        assertTrue(policy.contains("script-src 'self' 'sha256-" + hash + "';"), policy);
        assertFalse(Pattern.compile(" (style|on[a-z]+)=").matcher(page.text()).find(), page.text());
    }

    @Test
    void the_page_starts_with_one_script_and_no_script_is_loaded_twice() throws IOException {
        String page = browser.get("/").text();
        String folder = found("src=\"(.*/)start\\.js\"", page).get(0);
        String start = browser.get(folder + "start.js").text();
        assertEquals(List.of(), found("(?m)^(import [^(].*)", start));

        List<String> joined = found("(?m)^const \\$(\\w+) = \\(\\(\\) => \\{", start).stream()
                .map(name -> name.replace('_', '-') + ".js")
                .toList();
        assertTrue(
                joined.containsAll(List.of("preact.js", "lib.js", "api.js", "operations.js", "page-needs-me.js")),
                start);
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/console"))) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".js") && !joined.contains(name)) {
                    String text = browser.get(folder + name).text();
                    for (String imported : found("\\bimport\\b[^;]*?\"\\./([^\"]+)\"", text)) {
                        assertFalse(joined.contains(imported), () -> name + " loads " + imported + " a second time");
                        assertEquals(200, browser.get(folder + imported).status(), imported);
                    }
                }
            }
        }
        String map = found("sourceMappingURL=(.+)", start).get(0);
        assertEquals(
                joined,
                Json.read(browser.get(folder + map).text()).findValues("sources").stream()
                        .map(source -> source.get(0).asText())
                        .toList());
    }

    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    @Test
    void a_file_may_be_kept_for_ever_because_its_address_changes_with_it() {
        List<String> files = FILE.matcher(browser.get("/").text())
                .results()
                .map(MatchResult::group)
                .toList();
        assertTrue(files.size() >= 3, files::toString);
        for (String path : files) {
            Answer file = browser.send("GET", path, null);
            assertEquals(200, file.status(), path);
            assertEquals("public, max-age=31536000, immutable", file.header("Cache-Control"), path);
            assertEquals("nosniff", file.header("X-Content-Type-Options"), path);
            assertFalse(file.text().isEmpty(), path);
        }
        String other = files.get(0).replaceFirst("/console/[0-9a-f]{16}", "/console/0123456789abcdef");
        Door.assertProblem(browser.send("GET", other, null), 404, "no_such_operation");
    }

    @Test
    void a_file_is_sent_compressed_to_a_browser_that_asks_for_it() throws IOException {
        String path = file("start.js");
        HttpResponse<byte[]> plain = browser.bytes(path);
        HttpResponse<byte[]> gzip = browser.bytes(path, "Accept-Encoding", "gzip, deflate, br");

        assertEquals("gzip", gzip.headers().firstValue("Content-Encoding").orElse(null));
        assertEquals("Accept-Encoding", gzip.headers().firstValue("Vary").orElse(null));
        assertTrue(gzip.body().length < plain.body().length);
        assertArrayEquals(plain.body(), new GZIPInputStream(new ByteArrayInputStream(gzip.body())).readAllBytes());
    }

    @Test
    void a_browser_that_has_the_page_already_is_told_so() {
        String tag = browser.get("/").header("ETag");
        Answer again = browser.send("GET", "/console/jobs", null, "If-None-Match", tag);

        assertEquals(304, again.status());
        assertEquals("", again.text());
        assertEquals(
                200,
                browser.send("GET", "/", null, "If-None-Match", "W/\"other\"").status());
    }

    @Test
    void head_has_the_headers_and_no_body() {
        Answer page = browser.get("/");
        Answer head = browser.send("HEAD", "/", null);

        assertEquals(200, head.status());
        assertEquals("", head.text());
        assertEquals(
                Integer.toString(page.text().getBytes(StandardCharsets.UTF_8).length), head.header("Content-Length"));
        assertEquals(page.header("ETag"), head.header("ETag"));
    }

    @Test
    void the_table_of_operations_is_the_contract() throws IOException {
        String module = browser.get(file("operations.js")).text();
        JsonNode listed = Json.read(
                found("^export const operations = (.*);$", module.strip()).get(0));

        assertEquals(Door.CONTRACT.operations().size(), listed.size());
        assertEquals(
                "{\"method\":\"GET\",\"path\":\"/v1/jobs/{jobId}\",\"group\":\"look\"}",
                listed.path("getJob").toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/console/nothing",
                "/console/jobs/a/b",
                "/console/index.html",
                "/console/start.js",
                "/index.html",
                "/favicon.ico",
                "/application.properties",
                "/console/../application.properties",
                "/console/%2e%2e/application.properties"
            })
    void anything_else_is_unknown(String path) {
        Answer answer =
                path.contains("..") || path.contains("%2e") ? door.raw("GET " + path) : browser.send("GET", path, null);

        assertEquals(404, answer.status(), answer.text());
        assertEquals("no_such_operation", answer.json().path("code").asText());
    }

    @Test
    void a_browser_that_asks_for_an_unknown_page_gets_the_console_which_says_so() {
        Answer answer = browser.send("GET", "/console/nothing", null, "Accept", "text/html,*/*;q=0.8");

        assertEquals(404, answer.status());
        assertEquals(browser.get("/").text(), answer.text());
    }

    @Test
    void a_token_in_an_address_is_refused_and_not_repeated() {
        for (String path : List.of("/", "/console/jobs", "/console/events", "/console/nothing")) {
            Answer answer = browser.send("GET", path + "?token=abo_1234567890", null);
            Door.refused(answer, 400, "invalid_field", "query", null, "no token; the page asks for it");
            assertFalse(answer.text().contains("1234567890"), answer.text());
        }
        assertEquals(400, door.get("/v1/jobs?token=abo_1234567890").status());
    }

    @Test
    void the_page_itself_needs_no_session_and_takes_no_other_method() {
        assertNull(browser.get("/").header("Set-Cookie"));
        for (String method : List.of("POST", "PUT", "DELETE")) {
            assertEquals(404, browser.call(method, "/console/jobs", "{}").status(), method);
        }
        assertEquals(405, browser.call("PUT", "/console/session", "{}").status());
        assertEquals(405, browser.get("/console/session").status());
    }

    /** The path of one of the files, at its present version. */
    private static String file(String name) {
        Matcher file = FILE.matcher(browser.get("/").text());
        assertTrue(file.find());
        return file.group().replaceFirst("[^/]+$", name);
    }
}
