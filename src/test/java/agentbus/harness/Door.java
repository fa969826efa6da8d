package agentbus.harness;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.NonValidationKeyword;
import com.networknt.schema.SchemaValidatorsConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** A client of a test's bus over HTTP. The bus has the agents worker, other and coordinator, and does not dispatch. */
public final class Door implements AutoCloseable {
    public static final Contract CONTRACT = Contract.load();
    private static final JsonSchemaFactory SCHEMAS = schemas();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final TestDatabase database;
    private final TestBus bus;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    /** The query over all tables, made at the first fingerprint. */
    private String hashes;

    /** A claimed job with its attempt's token. */
    public record Work(String jobId, String attemptId, String token) {}

    private Door(TestDatabase database, TestBus bus) {
        this.database = database;
        this.bus = bus;
    }

    /** Starts a bus whose agents may hand work to all and emit any topic; settings: key, value, key, value … */
    public static Door open(TestDatabase database, Path home, String... settings) throws IOException {
        return open(database, home, agent -> "mayEnqueueTo: ['*', " + agent + "]\nemits: ['#']\n", settings);
    }

    /** Starts a bus with rules of the test for its agents; settings: key, value, key, value … */
    public static Door open(TestDatabase database, Path home, UnaryOperator<String> rules, String... settings)
            throws IOException {
        for (String agent : List.of("worker", "other", "coordinator")) {
            Path file = home.resolve("agents").resolve(agent).resolve("agent.yaml");
            Files.createDirectories(file.getParent());
            Files.writeString(
                    file,
                    "id: " + agent + "\nmission: Works in tests.\nmaxConcurrency: 100\ngateway: default\n"
                            + "accepts: [work, blocked.replan]\n" + rules.apply(agent));
        }
        List<String> all = new ArrayList<>(List.of(
                "agentbus.agents.dir",
                home.resolve("agents").toAbsolutePath().toString(),
                "agentbus.http.max-body-bytes",
                "65536",
                "agentbus.dispatch.recover-ms",
                "600000",
                "agentbus.dispatch.enabled",
                "false",
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN));
        all.addAll(List.of(settings));
        return new Door(database, TestBus.start(database, null, home, all.toArray(String[]::new)));
    }

    /** The bus. */
    public TestBus bus() {
        return bus;
    }

    /** The database of the bus. */
    public TestDatabase database() {
        return database;
    }

    /** The first operator's token. */
    public String operator() {
        try {
            return bus.operatorToken();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A call with a token, or without one for null. */
    public Answer call(String method, String path, String token, String body) {
        try {
            return Answer.of(bus.call(method, path, token, body));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A GET with the operator's token. */
    public Answer get(String path) {
        return call("GET", path, operator(), null);
    }

    /** A POST with the operator's token. */
    public Answer post(String path, String body) {
        return call("POST", path, operator(), body);
    }

    /** A call with the operator's token, any body, and headers: name, value, name, value … */
    public Answer send(String method, String path, BodyPublisher body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(bus.bus().url() + path))
                .timeout(PATIENCE)
                .method(method, body)
                .header("Authorization", "Bearer " + operator());
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        try {
            return Answer.of(client.send(request.build(), BodyHandlers.ofString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A body sent in chunks, without a Content-Length. */
    public static BodyPublisher chunked(byte[] body) {
        return BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body));
    }

    /** Sends a request line and headers unchanged over a socket, for requests that no HTTP client would send. */
    public Answer raw(String requestLine, String... headerLines) {
        URI address = URI.create(bus.bus().url());
        try (Socket socket = new Socket(address.getHost(), address.getPort())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            String request = requestLine + " HTTP/1.0\r\nHost: " + address.getAuthority() + "\r\n"
                    + String.join(
                            "",
                            List.of(headerLines).stream()
                                    .map(line -> line + "\r\n")
                                    .toList()) + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            String head = head(socket.getInputStream());
            List<String> lines = head.lines().toList();
            Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            for (String line : lines.subList(1, lines.size())) {
                String[] parts = line.split(":\\s*", 2);
                headers.computeIfAbsent(parts[0], name -> new ArrayList<>()).add(parts[1]);
            }
            List<String> length = headers.get("Content-Length");
            byte[] body = length == null
                    ? socket.getInputStream().readAllBytes()
                    : socket.getInputStream().readNBytes(Integer.parseInt(length.get(0)));
            return Answer.of(
                    Integer.parseInt(lines.get(0).split(" ")[1]), headers, new String(body, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.read());
        }
        return head.toString().strip();
    }

    /** Enqueues a job for the worker. */
    public String job() {
        return job("worker", "");
    }

    /** Enqueues a job; {@code more} are further fields, each after a comma. */
    public String job(String agent, String more) {
        Answer answer = post("/v1/jobs", "{\"targetAgent\":\"" + agent + "\",\"subject\":\"work\"" + more + "}");
        assertEquals(200, answer.status(), answer.text());
        return answer.json().at("/job/jobId").asText();
    }

    /** Enqueues a job for the worker and claims it. */
    public Work work() {
        return work("worker");
    }

    /** Enqueues a job and claims it over HTTP, as a pulling worker does. */
    public Work work(String agent) {
        // All other due jobs are postponed, so that the claim gets this job.
        database.jdbc().update("update jobs set run_after = now() + interval '1 day' where state = 'queued'");
        String jobId = job(agent, "");
        Answer claimed = post("/v1/jobs/claim", "{\"targetAgent\":\"" + agent + "\",\"leaseSeconds\":3600}");
        JsonNode job = claimed.json().at("/jobs/0");
        assertEquals(jobId, job.path("jobId").asText(), claimed.text());
        return new Work(
                jobId, job.path("attemptId").asText(), job.path("attemptToken").asText());
    }

    /** A new long-lived token of an agent. */
    public String agentToken(String agent) {
        Answer answer = post("/v1/agents/" + agent + "/token", null);
        assertEquals(200, answer.status(), answer.text());
        return answer.json().path("token").asText();
    }

    /** A new token of the gateway default, which replaces the earlier one. */
    public String gatewayToken() {
        Answer answer = post("/v1/gateways/default/token", null);
        assertEquals(200, answer.status(), answer.text());
        return answer.json().path("token").asText();
    }

    /** A hash over all rows of all tables that a call could change. */
    public String fingerprint() {
        if (hashes == null) {
            hashes = database
                    .jdbc()
                    .queryForList(
                            "select table_name from information_schema.tables where table_schema = 'agentbus'"
                                    + " and table_type = 'BASE TABLE'"
                                    // Excluded: sweeps write their progress here.
                                    + " and table_name not in ('refusals', 'claim_mark', 'lane_marks', 'job_ends')"
                                    + " order by 1",
                            String.class)
                    .stream()
                    .map(table -> "(select '" + table + " ' || count(*) || ' '"
                            + " || coalesce(md5(string_agg(t::text, chr(10) order by t::text)), '')"
                            + " from agentbus." + table + " t"
                            // Excluded: every sweep writes here.
                            + " where t::text not like '%last_recovery%' and t::text not like '%job_ends_counted%'"
                            // Excluded: refusals are counted here.
                            + " and t::text not like '%call.refused%')")
                    .collect(Collectors.joining(" || chr(10) || ", "select ", ""));
        }
        return database.jdbc().queryForObject(hashes, String.class);
    }

    /** Makes a call, and asserts that it changes nothing in the database. */
    public Answer unchanged(Supplier<Answer> call) {
        String before = fingerprint();
        Answer answer = call.get();
        assertEquals(before, fingerprint(), answer.text());
        return answer;
    }

    /** Makes a call, and asserts that it changes no job and writes no event. Records of the call itself are allowed. */
    public Answer untouched(Supplier<Answer> call) {
        String sql = "select concat((select md5(string_agg(j::text, ' ' order by j.job_id)) from jobs j),"
                + " (select count(*) from events), (select count(*) from job_attempts))";
        String before = database.jdbc().queryForObject(sql, String.class);
        Answer answer = call.get();
        assertEquals(before, database.jdbc().queryForObject(sql, String.class), answer.text());
        return answer;
    }

    /** Asserts that the answer is exactly this problem, in the contract's form. */
    public static void refused(Answer answer, int status, String code, String field, String value, String expected) {
        assertProblem(answer, status, code);
        JsonNode problem = answer.json();
        assertEquals(field, problem.path("field").textValue(), answer.text());
        assertEquals(
                value, problem.has("value") ? problem.get("value").toString().replace('"', '\'') : null, answer.text());
        assertEquals(expected, problem.path("expected").textValue(), answer.text());
    }

    /** Asserts that the answer is a problem in the contract's form. */
    public static void assertProblem(Answer answer, int status, String code) {
        assertEquals(status, answer.status(), answer.text());
        assertEquals("application/problem+json", answer.header("Content-Type"), answer.text());
        assertHeaders(answer);
        JsonNode problem = answer.json();
        assertEquals(code, problem.path("code").asText(), answer.text());
        assertEquals("urn:agentbus:problem:" + code, problem.path("type").asText());
        assertEquals(status, problem.path("status").asInt());
        assertFalse(problem.path("detail").asText().isBlank(), answer.text());
        conforms(
                CONTRACT.document().at("/components/responses/Problem/content/application~1problem+json/schema"),
                answer);
        assertFalse(
                answer.text().matches("(?s).*(Exception|org\\.|java\\.|\\bat [a-z]+\\.|SQLSTATE|PL/pgSQL).*"),
                answer.text());
    }

    /** Asserts that the answer matches the operation's answer in the contract. */
    public static void answered(String operationId, Answer answer) {
        assertEquals(200, answer.status(), answer.text());
        assertEquals("application/json", answer.header("Content-Type"));
        assertHeaders(answer);
        Operation operation = CONTRACT.operation(operationId);
        JsonNode schema = CONTRACT.document()
                .path("paths")
                .path(operation.path())
                .path(operation.method().toLowerCase(java.util.Locale.ROOT))
                .at("/responses/200/content/application~1json/schema");
        assertTrue(schema.isObject(), operationId + " has no schema for its answer");
        conforms(schema, answer);
    }

    /** Makes a JSON body from a text with single quotes. */
    public static String json(String text) {
        return text.replace('\'', '"');
    }

    private static void assertHeaders(Answer answer) {
        assertEquals(List.of("no-store"), answer.headers().allValues("Cache-Control"), answer.text());
        assertEquals(List.of("nosniff"), answer.headers().allValues("X-Content-Type-Options"), answer.text());
        for (String name : answer.headers().map().keySet()) {
            assertFalse(name.toLowerCase(java.util.Locale.ROOT).startsWith("camel"), name);
        }
        assertNull(answer.header("Server"));
    }

    private static JsonSchemaFactory schemas() {
        JsonMetaSchema dialect = JsonMetaSchema.builder(JsonMetaSchema.getV202012())
                .keyword(new NonValidationKeyword("x-expected"))
                .build();
        return JsonSchemaFactory.builder()
                .defaultMetaSchemaIri(dialect.getIri())
                .metaSchema(dialect)
                .build();
    }

    private static void conforms(JsonNode schema, Answer answer) {
        assertTrue(schema.isObject(), "the contract has no such schema");
        SchemaValidatorsConfig config =
                SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
        assertEquals(java.util.Set.of(), SCHEMAS.getSchema(schema, config).validate(answer.json()), answer.text());
    }

    /** Waits until Camel holds no call for unfinished, because such a call would hold up each stop. */
    public void requireNoCallLeft() {
        var inflight = bus.bus().camel().getInflightRepository();
        await().untilAsserted(() -> assertEquals(
                List.of(),
                inflight.browse().stream()
                        .map(each -> each.getFromRouteId() + " " + each.getNodeId())
                        .toList()));
    }

    @Override
    public void close() {
        bus.close();
    }
}
