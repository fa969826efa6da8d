package agentbus.hawtio;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hawtio's listener on a real bus: who gets in, what Jolokia may do, and a route that is stopped and started again. */
@ExtendWith(PostgresExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HawtioTest {
    private static final String ROUTE = "forget-old-dispatchers";
    private static final String HOOK_SECRET = "hook-secret-of-this-test";
    private static final String OPERATOR_SECRET = "gateway-secret-of-this-test";

    private static final String GC =
            "{\"type\": \"exec\", \"mbean\": \"java.lang:type=Memory\", \"operation\": \"gc\"}";

    @TempDir
    static Path home;

    private TestDatabase database;
    private TestBus bus;
    private String url;
    private JolokiaCalls operator;

    @BeforeAll
    void start(TestDatabase database) throws IOException {
        this.database = database;
        bus = TestBus.start(
                database,
                null,
                home,
                "agentbus.jolokia.port",
                "0",
                "agentbus.gateway.token",
                HOOK_SECRET,
                "agentbus.gateway.operator-token",
                OPERATOR_SECRET,
                "agentbus.gateway.url",
                "http://127.0.0.1:1",
                "agentbus.dispatch.enabled",
                "false");
        url = bus.bus().hawtio().orElseThrow();
        operator = new JolokiaCalls(url, JolokiaCalls.basic("operator", bus.operatorToken()));
    }

    @AfterAll
    void stop() {
        bus.close();
    }

    @AfterEach
    void startTheRouteAgain() throws Exception {
        bus.bus().camel().getRouteController().startRoute(ROUTE);
    }

    private static String route(String id) {
        return "org.apache.camel:context=agentbus,type=routes,name=\"" + id + "\"";
    }

    private ServiceStatus status() {
        return bus.bus().camel().getRouteController().getRouteStatus(ROUTE);
    }

    private List<Map<String, Object>> audit(String like) {
        return database.jdbc()
                .queryForList(
                        "select actor, action, table_name, row_id, detail ->> 'node' as node from audit_log"
                                + " where action like ? order by audit_id",
                        like);
    }

    private static String refused(JsonNode answer) {
        assertEquals(403, answer.path("status").asInt(), answer::toString);
        assertNull(answer.get("value"), answer::toString);
        return answer.path("error").asText();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/jolokia",
                "/jolokia/",
                "/jolokia/config",
                "/jolokia/config/",
                "/jolokia/configX",
                "/jolokia/x",
                "/jolokia/list",
                "/hawtio",
                "/hawtio/",
                "/hawtio/index.html",
                "/hawtio/jolokia",
                "/hawtio/jolokia/config",
                "/hawtio/user",
                "/hawtio/hawtconfig.json",
                "/hawtio/static/js/main.js",
                "/x",
                "/jolokia/../jolokia"
            })
    void no_path_answers_without_the_token_of_an_operator(String path) throws Exception {
        for (String login : new String[] {null, JolokiaCalls.basic("operator", "abo_wrong")}) {
            for (String method : List.of("GET", "POST", "OPTIONS", "HEAD")) {
                assertNotLetIn(login, method, path);
            }
        }
    }

    @Test
    void no_other_login_is_one() throws Exception {
        String token = bus.operatorToken();
        for (String login : List.of(
                JolokiaCalls.basic("operator", "wrong"),
                JolokiaCalls.basic("operator", ""),
                JolokiaCalls.basic("admin", token),
                JolokiaCalls.basic("operator ", token),
                JolokiaCalls.basic("operator", token + " x"),
                JolokiaCalls.basic("operator", viewerToken()),
                "Bearer " + token,
                "Basic " + token,
                "Basic")) {
            assertNotLetIn(login, "POST", "/jolokia");
            assertNotLetIn(login, "GET", "/hawtio/");
        }
    }

    private void assertNotLetIn(String login, String method, String path) throws Exception {
        HttpResponse<String> answer =
                new JolokiaCalls(url, login).send(method, path, method.equals("POST") ? GC : null);
        assertEquals(401, answer.statusCode(), login + " " + path);
        assertEquals(
                "Basic realm=\"agentbus operator\", charset=\"UTF-8\"",
                answer.headers().firstValue("WWW-Authenticate").orElseThrow());
        assertFalse(answer.body().contains("<script"), answer::body);
        assertFalse(answer.body().contains(bus.operatorToken()));
    }

    private String viewerToken() throws Exception {
        String answer = bus.call(
                        "POST",
                        "/v1/viewers/vera/token",
                        bus.operatorToken(),
                        Json.object().put("reason", "looks").toString())
                .body();
        return Json.read(answer).get("token").asText();
    }

    @Test
    void a_token_that_is_revoked_is_refused_at_once() throws Exception {
        String second = "abo_" + "s".repeat(43);
        database.jdbc().queryForList("select register_operator_token(sha256(?::bytea), 'second', 'default')", second);
        JolokiaCalls another = new JolokiaCalls(url, JolokiaCalls.basic("operator", second));
        assertEquals(200, another.send("GET", "/jolokia", null).statusCode());

        database.jdbc().update("update access_tokens set revoked_at = now() where name = 'second'");
        assertEquals(401, another.send("GET", "/jolokia", null).statusCode());
    }

    @Test
    void a_foreign_host_name_is_refused() throws Exception {
        int port = URI.create(url).getPort();
        String login = JolokiaCalls.basic("operator", bus.operatorToken());
        for (String host : List.of("Host: evil.example:" + port, "Host: 127.0.0.1.evil.example", "X: y")) {
            assertTrue(
                    raw(port, "GET /jolokia HTTP/1.1", host, "Authorization: " + login)
                            .startsWith("HTTP/1.1 403"),
                    host);
        }
        for (String host : List.of("Host: localhost:1", "Host: 127.0.0.1:" + port, "Host: [::1]:9")) {
            assertTrue(
                    raw(port, "GET /jolokia HTTP/1.1", host, "Authorization: " + login)
                            .startsWith("HTTP/1.1 200"),
                    host);
        }
    }

    private static String raw(int port, String... lines) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream()
                    .write((String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void a_page_of_another_site_cannot_call_jolokia_with_the_login_that_the_browser_keeps() throws Exception {
        String own = url.replaceFirst("/hawtio/$", "");
        assertEquals(
                403,
                operator.send("GET", "/jolokia", null, "Origin", "http://evil.example")
                        .statusCode());
        assertEquals(
                403, operator.send("GET", "/jolokia", null, "Origin", "null").statusCode());
        assertEquals(
                403,
                operator.send("GET", "/jolokia", null, "Sec-Fetch-Site", "cross-site")
                        .statusCode());
        assertEquals(
                403,
                operator.send("GET", "/jolokia", null, "Sec-Fetch-Site", "same-site")
                        .statusCode());
        assertEquals(
                200,
                operator.send("GET", "/jolokia", null, "Sec-Fetch-Site", "same-origin", "Origin", own)
                        .statusCode());
        HttpResponse<String> plain = operator.send("GET", "/jolokia", null);
        assertEquals(200, plain.statusCode());
        assertTrue(plain.headers().firstValue("Access-Control-Allow-Origin").isEmpty());
        assertEquals("no-store", plain.headers().firstValue("Cache-Control").orElseThrow());
    }

    @Test
    void a_route_is_read_stopped_seen_and_started_again() throws Exception {
        String mbean = route(ROUTE);
        assertEquals(200, operator.read(mbean, "ExchangesTotal").get("status").asInt());
        assertTrue(operator.read(mbean, "ExchangesTotal").get("value").isIntegralNumber());
        assertEquals("Started", operator.read(mbean, "State").get("value").asText());

        assertEquals(200, operator.exec(mbean, "stop()").get("status").asInt());
        assertEquals(ServiceStatus.Stopped, status());
        assertEquals("Stopped", operator.read(mbean, "State").get("value").asText());

        JsonNode check = routesCheck();
        assertEquals("DOWN", check.get("status").asText());
        assertTrue(
                check.toString().contains("Route " + ROUTE + " is stopped since 20")
                        && check.toString().contains(", by operator:first-operator."),
                check::toString);
        await().until(() -> needsMe().toString().contains("Route " + ROUTE + " is stopped on node "));
        assertTrue(needsMe().toString().contains(", by operator:first-operator."), () -> "who");
        JsonNode health = Json.read(
                bus.call("GET", "/v1/health", bus.operatorToken(), null).body());
        assertEquals("degraded", health.get("status").asText());
        assertTrue(health.get("problems").toString().contains("route " + ROUTE + " is stopped"), health::toString);

        assertEquals(200, operator.exec(mbean, "start()").get("status").asInt());
        assertEquals(ServiceStatus.Started, status());
        assertEquals("UP", routesCheck().get("status").asText());
        await().until(() -> needsMe().isEmpty());

        List<Map<String, Object>> audit = audit("mbean.st%");
        assertEquals(2, audit.size(), audit::toString);
        assertEquals("mbean.stop", audit.get(0).get("action"));
        assertEquals("operator:first-operator", audit.get(0).get("actor"));
        assertEquals("routes", audit.get(0).get("table_name"));
        assertEquals(ROUTE, audit.get(0).get("row_id"));
        assertEquals(bus.bus().dispatcherId(), audit.get(0).get("node"));
        assertEquals("mbean.start", audit.get(1).get("action"));
    }

    private JsonNode routesCheck() throws Exception {
        JsonNode health =
                Json.read(bus.call("GET", "/observe/health", null, null).body());
        for (JsonNode check : health.get("checks")) {
            if (check.get("name").asText().equals("routes")) {
                return check;
            }
        }
        throw new AssertionError(health.toString());
    }

    private JsonNode needsMe() throws Exception {
        ArrayNode items = JsonNodeFactory.instance.arrayNode();
        Json.read(bus.call("GET", "/v1/needs-me", bus.operatorToken(), null).body())
                .get("items")
                .forEach(item -> {
                    if (item.get("kind").asText().equals("route")) {
                        items.add(item);
                    }
                });
        return items;
    }

    @Test
    void a_call_whose_audit_row_cannot_be_written_is_not_carried_out() throws Exception {
        database.jdbc()
                .execute("create function refuse_mbean() returns trigger language plpgsql as"
                        + " $$ begin raise exception 'no room'; end $$");
        database.jdbc()
                .execute("create trigger refuse_mbean before insert on audit_log for each row"
                        + " when (new.action like 'mbean.%') execute function refuse_mbean()");
        try {
            JsonNode answer = operator.exec(route(ROUTE), "stop()");
            assertEquals(500, answer.get("status").asInt(), answer::toString);
            assertTrue(answer.get("error").asText().contains("so it was not carried out"), answer::toString);
            assertEquals(ServiceStatus.Started, status());
        } finally {
            database.jdbc().execute("drop trigger refuse_mbean on audit_log");
            database.jdbc().execute("drop function refuse_mbean()");
        }
    }

    @Test
    void a_dump_is_audited_once_an_hour_for_each_person() throws Exception {
        String context = "org.apache.camel:context=agentbus,type=context,name=\"agentbus\"";
        for (int i = 0; i < 3; i++) {
            JsonNode dump = operator.exec(context, "dumpRoutesStatsAsXml(boolean,boolean)", true, true);
            assertTrue(dump.get("value").asText().contains("exchangesTotal"), dump::toString);
        }

        assertEquals(1, audit("mbean.dumpRoutesStatsAsXml").size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "java.lang:type=Memory | gc",
                "com.sun.management:type=DiagnosticCommand | help",
                "com.sun.management:type=HotSpotDiagnostic | dumpHeap",
                "java.util.logging:type=Logging | setLoggerLevel",
                "JMImplementation:type=MBeanServerDelegate | dumpAll",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | stop()",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | suspend()",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | restart()",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | createEndpoint",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | sendBody(java.lang.String,java.lang.Object)",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | requestBody(java.lang.String,java.lang.Object)",
                "org.apache.camel:context=agentbus,type=context,name=\"agentbus\" | startAllRoutes()",
                "org.apache.camel:context=agentbus,type=routes,name=\"forget-old-dispatchers\" | remove()",
                "org.apache.camel:context=agentbus,type=routes,name=\"forget-old-dispatchers\" | shutdown()",
                "org.apache.camel:context=agentbus,type=routes,name=\"forget-old-dispatchers\" | updateRouteFromXml",
                "org.apache.camel:context=agentbus,type=routes,name=\"report-routes\" | stop()",
                "org.apache.camel:context=agentbus,type=routes,name=\"report-routes\" | suspend()",
                "org.apache.camel:context=agentbus,type=consumers,name=* | stop()",
                "org.apache.camel:type=routes,* | stop()",
                "org.apache.camel:* | stop()",
                "*:type=routes,* | stop()"
            })
    void every_other_operation_is_refused_in_words(String mbean, String operation) throws Exception {
        String why = refused(operator.exec(mbean, operation, "x", "y"));
        assertTrue(why.contains("Jolokia may read") || why.contains("cannot be stopped"), why);
        assertEquals(
                ServiceStatus.Started, bus.bus().camel().getRouteController().getRouteStatus("report-routes"));
        assertEquals(ServiceStatus.Started, status());
        assertTrue(bus.bus().camel().isStarted());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "java.lang:type=Runtime | SystemProperties",
                "java.lang:type=Runtime | InputArguments",
                "java.lang:type=Runtime | ClassPath",
                "java.lang:type=Threading | AllThreadIds",
                "com.sun.management:type=DiagnosticCommand | Any",
                "java.util.logging:type=Logging | LoggerNames",
                "JMImplementation:type=MBeanServerDelegate | MBeanServerId",
            })
    void an_attribute_that_is_not_named_is_refused(String mbean, String attribute) throws Exception {
        JsonNode answer = operator.read(mbean, attribute);
        assertNotEquals(200, answer.get("status").asInt(), answer::toString);
        assertNull(answer.get("value"));
    }

    @Test
    void numbers_of_the_jvm_are_read_and_a_pattern_gives_no_more_than_the_single_names() throws Exception {
        assertTrue(operator.read("java.lang:type=Memory", "HeapMemoryUsage")
                .at("/value/used")
                .isIntegralNumber());
        JsonNode all = operator.ask(Json.object()
                .put("type", "read")
                .put("mbean", "*:*")
                .set("config", Json.object().put("ignoreErrors", true)));
        String text = all.toString();
        assertTrue(text.contains("ExchangesTotal"), "the pattern reads what is allowed");
        assertFalse(text.contains(System.getProperty("java.class.path").substring(0, 40)), "no class path");
        assertFalse(text.contains("java.vm.specification.version\":\""), "no system properties");
        assertSecret(text);
    }

    @Test
    void nothing_that_may_be_read_or_dumped_holds_a_secret() throws Exception {
        String context = "org.apache.camel:context=agentbus,type=context,name=\"agentbus\"";
        assertSecret(operator.exec(context, "dumpRoutesAsXml(boolean)", true).toString());
        assertSecret(operator.exec(context, "dumpRoutesAsYaml(boolean)", true).toString());
        JsonNode list = Json.read(
                operator.send("GET", "/jolokia/list/org.apache.camel", null).body());
        Set<String> types = new HashSet<>();
        int dumped = 0;
        for (Map.Entry<String, JsonNode> mbean : list.get("value").properties()) {
            // The MBeans of a type have the same operations.
            if (types.add(mbean.getKey().replaceFirst(".*type=([^,]*).*", "$1"))) {
                for (Map.Entry<String, JsonNode> operation :
                        mbean.getValue().path("op").properties()) {
                    if (operation.getKey().startsWith("dump")
                            && operation.getValue().path("args").isEmpty()) {
                        assertSecret(operator.exec("org.apache.camel:" + mbean.getKey(), operation.getKey() + "()")
                                .toString());
                        dumped++;
                    }
                }
            }
        }
        assertTrue(dumped > 5, "operations that dump: " + dumped);
    }

    private void assertSecret(String text) throws IOException {
        for (String secret : List.of(HOOK_SECRET, OPERATOR_SECRET, bus.operatorToken())) {
            assertFalse(text.contains(secret), "a secret is readable");
        }
    }

    @Test
    void what_cannot_be_read_is_not_listed_or_found() throws Exception {
        String list = operator.send("GET", "/jolokia/list", null).body();
        assertTrue(list.contains("org.apache.camel"));
        assertFalse(list.contains("DiagnosticCommand"), "list");
        assertFalse(list.contains("HotSpotDiagnostic"), "list");
        String found = operator.send("GET", "/jolokia/search/*:*", null).body();
        assertTrue(found.contains(ROUTE), found);
        assertFalse(found.contains("DiagnosticCommand"), found);
        assertEquals(
                "2.6.0",
                Json.read(operator.send("GET", "/jolokia/version", null).body())
                        .at("/value/agent")
                        .asText());
    }

    @Test
    void writes_notifications_proxies_and_calls_by_link_are_refused() throws Exception {
        String mbean = route(ROUTE);
        assertTrue(refused(operator.ask(Json.object()
                        .put("type", "write")
                        .put("mbean", mbean)
                        .put("attribute", "StatisticsEnabled")
                        .put("value", false)))
                .contains("write is refused"));
        assertTrue(operator.read(mbean, "StatisticsEnabled").get("value").asBoolean());
        for (String command : List.of("register", "list", "add", "open")) {
            JsonNode answer = operator.ask(Json.object()
                    .put("type", "notification")
                    .put("command", command)
                    .put("mbean", mbean)
                    .put("mode", "pull")
                    .put("client", "c"));
            assertNotEquals(200, answer.path("status").asInt(), answer::toString);
        }
        assertTrue(refused(operator.ask(Json.<com.fasterxml.jackson.databind.node.ObjectNode>tree(Map.of(
                        "type",
                        "read",
                        "mbean",
                        mbean,
                        "attribute",
                        "State",
                        "target",
                        Map.of("url", "service:jmx:rmi:///jndi/rmi://127.0.0.1:1/jmxrmi")))))
                .contains("no proxy"));
        JsonNode link = Json.read(operator.send(
                        "GET",
                        "/jolokia/exec/org.apache.camel:context=agentbus,type=routes,name=!%22" + ROUTE + "!%22/stop()",
                        null)
                .body());
        assertNotEquals(200, link.path("status").asInt(), link::toString);
        assertEquals(ServiceStatus.Started, status());
    }

    @Test
    void each_request_of_a_bulk_is_checked_for_itself() throws Exception {
        ArrayNode bulk = JsonNodeFactory.instance.arrayNode();
        bulk.addObject().put("type", "read").put("mbean", route(ROUTE)).put("attribute", "State");
        bulk.addObject()
                .put("type", "exec")
                .put("mbean", "java.lang:type=Memory")
                .put("operation", "gc");
        bulk.addObject().put("type", "exec").put("mbean", route(ROUTE)).put("operation", "suspend()");
        bulk.addObject()
                .put("type", "write")
                .put("mbean", route(ROUTE))
                .put("attribute", "TracingEnabled")
                .put("value", true);

        JsonNode answers = operator.ask(bulk);

        assertEquals("Started", answers.get(0).get("value").asText());
        refused(answers.get(1));
        assertEquals(200, answers.get(2).get("status").asInt(), answers::toString);
        refused(answers.get(3));
        assertEquals(1, audit("mbean.suspend").size());
        assertEquals(0, audit("mbean.gc").size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "7",
                "{}",
                "{\"type\": \"x\"}",
                "{\"type\": 7}",
                "[7]",
                "{\"type\": \"read\", \"mbean\": \"?\"}"
            })
    void a_body_that_is_no_request_is_refused_in_words(String body) throws Exception {
        HttpResponse<String> answer = operator.send("POST", "/jolokia", body);
        assertEquals(400, answer.statusCode(), answer::body);
        assertTrue(answer.body().contains("Jolokia does not understand this request"), answer::body);
    }

    @Test
    void a_body_that_is_too_large_or_too_deep_and_a_wrong_method_are_refused() throws Exception {
        assertEquals(413, operator.send("POST", "/jolokia", "x".repeat(300_000)).statusCode());
        assertEquals(400, operator.send("POST", "/jolokia", "[".repeat(200_000)).statusCode());
        assertEquals(405, operator.send("PUT", "/jolokia", "{}").statusCode());
        assertEquals(405, operator.send("DELETE", "/hawtio/", null).statusCode());
        assertEquals(404, operator.send("GET", "/hawtio/no.js", null).statusCode());
        assertEquals(404, operator.send("GET", "/elsewhere", null).statusCode());
        assertEquals(
                404,
                operator.send("GET", "/hawtio/..%2f..%2foperator.token", null).statusCode());
        assertEquals(200, operator.send("GET", "/jolokia", null).statusCode());
    }
}
