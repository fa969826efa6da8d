package agentbus.dispatch;

import agentbus.settings.ServerKey;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * What the prompt template needs, and what is kept of the prompt. The kept prompt has a mark where the attempt's token
 * stands: the token is put in when the hook is called and is nowhere at rest. In the template it stands outside the quotes of
 * its header on purpose: OpenClaw 2026.9.6 keeps a session's text with every "Bearer &lt;token&gt;" masked (measured), and a run
 * that it tries again, or resumes after a crash, reads the kept text.
 */
public final class Prompts {
    /** The template, on the classpath. */
    public static final String TEMPLATE = "templates/job-prompt.mustache";

    private final ServerKey key;
    private final String apiUrl;
    private final int maxPayloadBytes;
    private final String templateHash;

    /**
     * Prompts that point at one API.
     *
     * @param key derives the attempts' tokens
     * @param apiUrl where agents reach the API, without a slash at the end
     * @param maxPayloadBytes a larger payload is not put into the prompt; the agent is told how to fetch it
     */
    public Prompts(ServerKey key, String apiUrl, int maxPayloadBytes) {
        this.key = key;
        this.apiUrl = apiUrl;
        this.maxPayloadBytes = maxPayloadBytes;
        this.templateHash = Sha256.hex(template());
    }

    /**
     * The template's data for a hook call.
     *
     * @param hookCall the hook call
     * @return its fields, and payload as text, apiUrl, token (the mark) and flags for the template's sections
     * @throws JsonProcessingException never for a hook call that came from JSON
     */
    public Map<String, Object> model(@Body Map<String, Object> hookCall) throws JsonProcessingException {
        String payload = Json.pretty(hookCall.get("payload"));
        boolean fits = payload.getBytes(StandardCharsets.UTF_8).length <= maxPayloadBytes;
        Map<String, Object> model = new HashMap<>(hookCall);
        model.put("payload", fits ? payload : null);
        model.put("payloadTooLarge", !fits);
        model.put("untrusted", "untrusted".equals(hookCall.get("trust")));
        model.put("repeated", ((Number) hookCall.get("attemptNo")).intValue() > 1);
        model.put("apiUrl", apiUrl);
        model.put("token", mark(hookCall));
        return model;
    }

    /**
     * What to keep of a rendered prompt, as parameters of {@code keep_prompts}.
     *
     * @param prompt the rendered prompt, or the kept one when the hook call is repeated
     * @param hookCall the hook call
     * @return attemptId, prompt, promptHash, templateHash and tokenHash, hashes in hex
     */
    public Map<String, Object> toKeep(@Body String prompt, @Variable("hookCall") Map<String, Object> hookCall) {
        Map<String, Object> keep = new HashMap<>();
        keep.put("attemptId", hookCall.get("attemptId"));
        keep.put("prompt", prompt);
        keep.put("promptHash", Sha256.hex(prompt));
        keep.put("templateHash", templateHash);
        keep.put("tokenHash", Sha256.hex(token(hookCall)));
        return keep;
    }

    /**
     * The prompt as the agent gets it.
     *
     * @param keptPrompt the kept prompt
     * @param hookCall the hook call
     * @return the prompt with the token in place of the mark
     */
    String withToken(String keptPrompt, Map<String, Object> hookCall) {
        return keptPrompt.replace(mark(hookCall), token(hookCall));
    }

    /**
     * A text that may hold the attempt's token, without it.
     *
     * @param text the text
     * @param hookCall the hook call
     * @return the text with the mark in place of the token
     */
    String withoutToken(String text, Map<String, Object> hookCall) {
        return text.replace(token(hookCall), mark(hookCall));
    }

    private String token(Map<String, Object> hookCall) {
        return key.attemptToken(UUID.fromString((String) hookCall.get("attemptId")));
    }

    /** The nonce is the attempt's own, so no payload can hold the mark and be given the token in its text. */
    private static String mark(Map<String, Object> hookCall) {
        return "<token:" + hookCall.get("nonce") + ">";
    }

    private static byte[] template() {
        try (InputStream in = Prompts.class.getClassLoader().getResourceAsStream(TEMPLATE)) {
            if (in == null) {
                throw new IllegalStateException(TEMPLATE + " is not on the classpath.");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
