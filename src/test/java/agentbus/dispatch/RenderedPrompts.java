package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.ServerKey;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Tests that render prompts as the bus does. */
abstract class RenderedPrompts {
    static final String ATTEMPT = "0197a0a0-0000-7000-8000-000000000001";
    static final String JOB = "0197a0a0-0000-7000-8000-00000000000a";
    static final String NONCE = "5d41402abc4b2a76b9719d911017c592";
    static final String API = "http://127.0.0.1:8080";

    static DefaultCamelContext camel;

    @TempDir
    Path directory;

    ServerKey key;
    Prompts prompts;
    String token;

    @BeforeAll
    static void startCamel() {
        camel = new DefaultCamelContext();
        camel.start();
    }

    @AfterAll
    static void stopCamel() {
        camel.stop();
    }

    @BeforeEach
    final void makePrompts() {
        key = ServerKey.load(directory, Map.of());
        prompts = new Prompts(key, API, 1000, "template"::getBytes);
        token = key.attemptToken(UUID.fromString(ATTEMPT));
    }

    static String data(String prompt) {
        int begin = prompt.indexOf("----- ");
        int end = prompt.indexOf("----- end of data " + NONCE + " -----");
        assertTrue(begin > 0 && end > begin, prompt);
        return prompt.substring(begin, end);
    }

    String render(Map<String, Object> hookCall) throws Exception {
        return camel.createProducerTemplate()
                .requestBody("mustache:" + Prompts.TEMPLATE, prompts.model(hookCall), String.class);
    }

    static Map<String, Object> hookCall(Map<String, Object> more) {
        Map<String, Object> hookCall = new HashMap<>(Map.of(
                "attemptId",
                ATTEMPT,
                "attemptNo",
                1,
                "jobId",
                JOB,
                "nonce",
                NONCE,
                "targetAgent",
                "devops",
                "subject",
                "infra.check",
                "dispatcher",
                "d-1",
                "trust",
                "trusted",
                "payload",
                Map.of()));
        hookCall.putAll(more);
        return hookCall;
    }
}
