package agentbus.hawtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A bus with Hawtio's listener, for the tests of one class. */
@ExtendWith(PostgresExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HawtioBus {
    static final String ROUTE = "forget-old-dispatchers";
    static final String HOOK_SECRET = "hook-secret-of-this-test";
    static final String OPERATOR_SECRET = "gateway-secret-of-this-test";

    static final String GC = "{\"type\": \"exec\", \"mbean\": \"java.lang:type=Memory\", \"operation\": \"gc\"}";

    @TempDir
    static Path home;

    TestDatabase database;
    TestBus bus;
    String url;
    JolokiaCalls operator;

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
                "false",
                "agentbus.metrics.queue-seconds",
                "1");
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

    static String route(String id) {
        return "org.apache.camel:context=agentbus,type=routes,name=\"" + id + "\"";
    }

    ServiceStatus status() {
        return bus.bus().camel().getRouteController().getRouteStatus(ROUTE);
    }

    List<Map<String, Object>> audit(String like) {
        return database.jdbc()
                .queryForList(
                        "select actor, action, table_name, row_id, detail ->> 'node' as node from audit_log"
                                + " where action like ? order by audit_id",
                        like);
    }

    static String refused(JsonNode answer) {
        assertEquals(403, answer.path("status").asInt(), answer::toString);
        assertNull(answer.get("value"), answer::toString);
        return answer.path("error").asText();
    }
}
