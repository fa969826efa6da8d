package agentbus.hawtio;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.calls.CallLimits;
import agentbus.calls.Credentials;
import agentbus.db.Statements;
import agentbus.health.Meters;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hawtio's listener on a real bus: who gets in, and a route that is stopped and started again. */
class HawtioTest extends HawtioBus {
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
    void further_wrong_tokens_are_put_off_and_a_right_one_passes() throws Exception {
        CallLimits few = new CallLimits(
                new Credentials(ServerKey.load(home, Map.of())),
                new CallLimits.Rates(10, 30, 3, 1_000),
                TimeMeter.SYSTEM_NANOTIME,
                new Meters(new SimpleMeterRegistry()));
        Statements statements = new Statements(
                database.jdbc().getDataSource(), new ProgramFiles(Settings.load(home, Map.of(), Map.of())));
        try (HawtioServer listener = HawtioServer.bind(0)) {
            listener.start(
                    new HawtioDoor(new OperatorLogin(few, statements, "default"), null, new HawtioFiles(), 1_000));
            for (String wrong : List.of("abo_1", "wrong", "abo_2")) {
                assertEquals(
                        401,
                        hawtio(listener, JolokiaCalls.basic("operator", wrong)).statusCode());
            }

            HttpResponse<String> putOff = hawtio(listener, JolokiaCalls.basic("operator", "abo_3"));
            assertEquals(429, putOff.statusCode());
            assertEquals(
                    "too_many_bad_tokens", Json.read(putOff.body()).get("code").asText());
            assertEquals("60", putOff.headers().firstValue("Retry-After").orElseThrow());
            assertEquals(401, hawtio(listener, null).statusCode(), "a request without a login is no guess");
            assertEquals(
                    200,
                    hawtio(listener, JolokiaCalls.basic("operator", bus.operatorToken()))
                            .statusCode());
        }
    }

    private static HttpResponse<String> hawtio(HawtioServer listener, String login) throws Exception {
        return new JolokiaCalls(listener.url(), login).send("GET", "/hawtio/", null);
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

    @Test
    void a_reset_and_a_call_that_fails_do_not_change_who_stopped_the_route() throws Exception {
        String mbean = route(ROUTE);
        assertNotEquals(
                200, operator.exec(mbean, "suspend(int)", 1).get("status").asInt());
        bus.bus().camel().getRouteController().suspendRoute(ROUTE);
        assertFalse(routesCheck().toString().contains(", by "), "the call that failed suspended nothing");

        assertEquals(200, operator.exec(mbean, "resume()").get("status").asInt());
        assertEquals(200, operator.exec(mbean, "suspend()").get("status").asInt());
        assertEquals(200, operator.exec(mbean, "reset()").get("status").asInt());
        assertTrue(routesCheck().toString().contains(", by operator:first-operator."), "a reset starts nothing");
        assertNotEquals(
                200, operator.exec(mbean, "resume(int)", 1).get("status").asInt());
        assertTrue(routesCheck().toString().contains(", by operator:first-operator."), "it is suspended still");
        assertEquals(200, operator.exec(mbean, "resume()").get("status").asInt());
        assertEquals("UP", routesCheck().get("status").asText());
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
}
