package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ConnectException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The verdict for each answer to /readyz. */
class GatewayHealthTest {
    private final Gateways gateways = new Gateways(
            List.of(new Gateway("east", URI.create("http://127.0.0.1:1"), Gateway.Form.MAPPED, "hook", "", 7, 300)));
    private final AtomicBoolean alone = new AtomicBoolean(true);
    private final GatewayHealth health = new GatewayHealth(gateways, "node-1", alone::get);

    private Map<String, Object> verdict(Integer status, String body, Exception failure) {
        return health.verdict(body == null ? null : body.getBytes(StandardCharsets.UTF_8), status, failure, "east");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "200 | {\"ready\":true,\"failing\":[]}                                  | ready",
                "200 | whatever a proxy says                                           | ready",
                "503 | {\"ready\":false,\"failing\":[\"gateway-draining\"]}             | draining",
                "503 | {\"ready\":false,\"failing\":[\"gateway-draining\",\"channels\"]} | draining",
                "503 | {\"ready\":false,\"failing\":[\"startup-sidecars\"]}             | down",
                "503 | <html>no such server</html>                                     | unknown",
                "404 | Not Found                                                       | unknown",
                "401 | Unauthorized                                                    | unknown"
            })
    void an_answer_is_judged_by_what_the_gateway_says_of_itself(int status, String body, String state) {
        Map<String, Object> verdict = verdict(status, body, null);

        assertEquals(state, verdict.get("state"));
        assertEquals("node-1", verdict.get("node"));
        assertEquals(state.equals("ready"), verdict.get("reason") == null);
        assertEquals(state.equals("down") ? "" : "east", gateways.claimable());
    }

    @Test
    void no_answer_is_down_until_there_is_one() {
        Map<String, Object> verdict = verdict(null, null, new ConnectException("Connection refused"));

        assertEquals("down", verdict.get("state"));
        assertTrue(verdict.get("reason").toString().contains("Connection refused"));
        assertEquals("", gateways.claimable());

        verdict(200, "", null);
        assertEquals("east", gateways.claimable());
    }

    @Test
    void a_reason_is_one_line_of_bounded_length() {
        String reason = verdict(500, "x\n".repeat(2000), null).get("reason").toString();

        assertTrue(reason.length() <= 301 && !reason.contains("\n"), reason);
    }

    @Test
    void that_a_gateway_is_ready_as_before_is_news_to_other_nodes_only() {
        Map<String, Object> ready = Map.of("gateway", "default", "state", "ready");
        Map<String, Object> down = Map.of("gateway", "default", "state", "down");
        assertTrue(health.mustBeWritten(ready), "nothing was written yet");
        health.written(ready);
        assertFalse(health.mustBeWritten(ready));
        alone.set(false);
        assertTrue(health.mustBeWritten(ready));
        alone.set(true);
        assertTrue(health.mustBeWritten(down));
        health.written(down);
        assertTrue(health.mustBeWritten(down), "the database may have given more on another node's word");
        assertTrue(health.mustBeWritten(ready));
    }
}
