package agentbus.demo;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Fills the agent's values into the callback bodies that the prompt proposes. */
final class CallbackBodies {
    private static final String MEMORIES = "memories";

    /**
     * The fields that an agent decides, by operation; all other fields of a proposed body stay unchanged. Of the other
     * operations the agent decides all fields.
     */
    private static final Map<String, Set<String>> OWN_FIELDS = Map.of(
            "complete", Set.of("summary", "outcome", "evidence", "result", "followUps", "events", MEMORIES),
            "block", Set.of("reason", "unblock"),
            "questions", Set.of("question", "options", "why"),
            "fail", Set.of("error", "retryAfterSeconds", "retry"),
            "progress", Set.of("percent", "line"));

    /** The callbacks before the last one. */
    static List<Outcome.Call> progress(Outcome outcome) {
        List<Outcome.Call> reports = new ArrayList<>();
        if (outcome instanceof Outcome.Complete complete) {
            for (Outcome.Progress report : complete.progress()) {
                reports.add(new Outcome.Call("progress", Map.of("percent", report.percent(), "line", report.line())));
            }
        } else if (outcome instanceof Outcome.Calls made) {
            reports.addAll(made.calls().subList(0, made.calls().size() - 1));
        }
        return reports;
    }

    /** Turns a wait from now, such as PT15S, into a time; leaves every other unblock unchanged. */
    private static Map<String, String> unblock(Outcome.Block block) {
        String at = block.unblock().get("at");
        return at != null && at.startsWith("PT")
                ? Map.of("at", Instant.now().plus(Duration.parse(at)).toString())
                : block.unblock();
    }

    /** The callback that closes the job, empty for an outcome that leaves it open. */
    static Optional<Outcome.Call> closing(Outcome outcome) {
        if (outcome instanceof Outcome.Complete complete) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("summary", complete.summary());
            fields.put("result", complete.result());
            if (!complete.followUps().isEmpty()) {
                fields.put("followUps", complete.followUps());
            }
            if (!complete.events().isEmpty()) {
                fields.put("events", complete.events());
            }
            return Optional.of(new Outcome.Call("complete", fields));
        }
        if (outcome instanceof Outcome.Block block) {
            return Optional.of(new Outcome.Call("block", Map.of("reason", block.reason(), "unblock", unblock(block))));
        }
        if (outcome instanceof Outcome.Ask ask) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("question", ask.question());
            if (!ask.options().isEmpty()) {
                fields.put("options", ask.options());
            }
            fields.put("why", ask.why());
            return Optional.of(new Outcome.Call("questions", fields));
        }
        if (outcome instanceof Outcome.Fail fail) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("error", fail.error());
            fail.retryAfter()
                    .ifPresentOrElse(
                            after -> fields.put("retryAfterSeconds", after.toSeconds()),
                            () -> fields.put("retry", false));
            return Optional.of(new Outcome.Call("fail", fields));
        }
        if (outcome instanceof Outcome.Calls made) {
            return Optional.of(made.calls().get(made.calls().size() - 1));
        }
        return Optional.empty();
    }

    /**
     * Fills a proposed body in.
     *
     * @param proposed the body of the prompt's command; if it is not a JSON object (a bare placeholder may break it),
     *     the agent starts from an empty body
     * @param call the values that the agent fills in
     * @param memories the numbers of the memories in the prompt, all of which the agent says that it has used
     */
    String fill(Optional<String> proposed, Outcome.Call call, List<String> memories) {
        ObjectNode body = Json.object();
        proposed.map(this::parse).filter(JsonNode::isObject).ifPresent(node -> body.setAll((ObjectNode) node));
        Set<String> own = OWN_FIELDS.get(call.operation());
        if (own == null) {
            body.removeAll();
        } else {
            body.remove(own);
        }
        call.fields().forEach((name, value) -> body.set(name, Json.tree(value)));
        if (own != null && own.contains(MEMORIES) && !memories.isEmpty()) {
            ArrayNode verdicts = body.putArray(MEMORIES);
            memories.forEach(id -> verdicts.addObject().put("id", id).put("verdict", "used"));
        }
        return body.toString();
    }

    private JsonNode parse(String text) {
        try {
            return Json.read(text);
        } catch (JsonProcessingException e) {
            return MissingNode.getInstance();
        }
    }
}
