package agentbus.hawtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Jolokia may do: each command, each MBean outside of the policy, secrets, and bodies that are no requests. */
class HawtioPolicyTest extends HawtioBus {
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
