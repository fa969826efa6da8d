package agentbus.dispatch;

import agentbus.settings.ServerKey;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * The data of the prompt template, and the stored form of a prompt. A stored prompt has a mark in place of the
 * attempt's token; the token is inserted for each hook call and never stored.
 *
 * <p>The template writes the mark outside the quotes of its header on purpose. OpenClaw 2026.9.6 masks "Bearer
 * &lt;token&gt;" in stored sessions (measured), and a retried or resumed run reads that text.
 */
public final class Prompts {
    /** The template, on the classpath. */
    public static final String TEMPLATE = "templates/job-prompt.mustache";

    private final ServerKey key;
    private final String apiUrl;
    private final int maxPayloadBytes;
    private final Supplier<byte[]> template;
    private volatile Hashed hashed;

    /** A template and its hash, which every prompt states and which costs more than to compare two templates. */
    private record Hashed(byte[] template, String hash) {}

    /**
     * Prompts that point at one API.
     *
     * @param key derives the tokens of attempts
     * @param apiUrl the API's address for agents, without a slash at the end
     * @param maxPayloadBytes the largest payload in a prompt; for a larger one the prompt says how to fetch it
     * @param template reads the template in force, which a reload may change
     */
    public Prompts(ServerKey key, String apiUrl, int maxPayloadBytes, Supplier<byte[]> template) {
        this.key = key;
        this.apiUrl = apiUrl;
        this.maxPayloadBytes = maxPayloadBytes;
        this.template = template;
    }

    /**
     * The template's data for one hook call.
     *
     * @param hookCall the hook call
     * @return its fields, with payload as text, asked (the questions), the fields of {@link PromptProposals} and
     *     {@link PromptMemories}, apiUrl, token (the mark), and flags for the template's sections
     * @throws JsonProcessingException never, because the hook call was read from JSON
     */
    public Map<String, Object> model(@Body Map<String, Object> hookCall) throws JsonProcessingException {
        String payload = Json.pretty(hookCall.get("payload"));
        int bytes = payload.getBytes(StandardCharsets.UTF_8).length;
        boolean fits = bytes <= maxPayloadBytes;
        Map<String, Object> model = new HashMap<>(hookCall);
        model.put("payload", fits ? payload : null);
        model.put("payloadTooLarge", !fits);
        model.put("payloadBytes", bytes);
        List<Map<String, Object>> questions = questions(hookCall);
        model.put("asked", PromptQuestions.model(questions));
        model.put("hasAsked", !questions.isEmpty());
        if (model.containsKey("answer") && PromptQuestions.isPerson(hookCall.get("answeredBy"))) {
            model.put("operatorAnswer", PromptQuestions.quoted(model.remove("answer")));
            model.put("answeredBy", PromptQuestions.name(hookCall.get("answeredBy")));
        }
        model.putAll(PromptProposals.model(hookCall.get("proposals")));
        model.putAll(PromptMemories.model(hookCall.get("memories")));
        model.putAll(PromptProposals.candidates(hookCall.get("candidates")));
        model.put(
                "untrusted",
                "untrusted".equals(hookCall.get("trust"))
                        || PromptMemories.holdTextFromOutside(hookCall.get("memories")));
        model.put("repeated", ((Number) hookCall.get("attemptNo")).intValue() > 1);
        boolean idle = "idle".equals(hookCall.get("jobType"));
        model.put("idle", idle);
        model.put("minutes", idle ? ((Number) hookCall.get("hardTimeoutSeconds")).intValue() / 60 : null);
        model.put("apiUrl", apiUrl);
        model.put("token", mark(hookCall));
        return model;
    }

    /**
     * The parameters of {@code keep_prompts} for a rendered prompt.
     *
     * @param prompt the rendered prompt; for a repeated hook call, the stored one
     * @param hookCall the hook call
     * @return attemptId, prompt, promptHash, templateHash and tokenHash, hashes in hexadecimal
     */
    public Map<String, Object> toKeep(@Body String prompt, @Variable("hookCall") Map<String, Object> hookCall) {
        Map<String, Object> keep = new HashMap<>();
        keep.put("attemptId", hookCall.get("attemptId"));
        keep.put("prompt", prompt);
        keep.put("promptHash", Sha256.hex(prompt));
        keep.put("templateHash", templateHash());
        keep.put("tokenHash", Sha256.hex(token(hookCall)));
        return keep;
    }

    private String templateHash() {
        byte[] now = template.get();
        Hashed last = hashed;
        if (last == null || !Arrays.equals(now, last.template)) {
            last = new Hashed(now, Sha256.hex(now));
            hashed = last;
        }
        return last.hash;
    }

    /**
     * Inserts the attempt's token into a stored prompt.
     *
     * @param keptPrompt the stored prompt
     * @param hookCall the hook call
     * @return the prompt with the token in place of the mark
     */
    String withToken(String keptPrompt, Map<String, Object> hookCall) {
        return keptPrompt.replace(mark(hookCall), token(hookCall));
    }

    /**
     * Masks the attempt's token in a text.
     *
     * @param text the text
     * @param hookCall the hook call
     * @return the text with the mark in place of the token
     */
    String withoutToken(String text, Map<String, Object> hookCall) {
        return text.replace(token(hookCall), mark(hookCall));
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> questions(Map<String, Object> hookCall) {
        return (List<Map<String, Object>>) hookCall.getOrDefault("questions", List.of());
    }

    private String token(Map<String, Object> hookCall) {
        return key.attemptToken(UUID.fromString((String) hookCall.get("attemptId")));
    }

    /**
     * Each attempt has its own random nonce, so no payload can contain the mark and have the token inserted into it.
     */
    private static String mark(Map<String, Object> hookCall) {
        return "<token:" + hookCall.get("nonce") + ">";
    }
}
