package agentbus.demo;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The story that fills a new demo: the calls of its operator one after the other, and the scripts of the jobs that the calls
 * bring about. Both are data of {@code demo-story.json}.
 *
 * <p>A step has {@code call}, an operation, and {@code input}. {@code keep} gives names to parts of the answer, each by its
 * JSON pointer; a later text {@code $name} stands for that part. With {@code wait} the step is repeated until every part is
 * there, for {@link #LONGEST_WAIT} at most. With {@code endIf} the story ends if the answer has that part. A step that needs a
 * name which no step has kept is left out: an earlier call was refused, and the log says why. {@code $now} is the time, and
 * {@code $nextWeek} a time seven days later.
 */
final class DemoStory {
    private static final Logger LOG = LoggerFactory.getLogger(DemoStory.class);
    private static final String FILE = "routes/demo/demo-story.json";
    /** Chosen: longer than the work of any agent of the demo takes, with a gateway that is busy. */
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(2);

    private final JsonNode steps;
    private final JsonNode jobs;
    private final int haste;
    private final Map<String, JsonNode> names = new HashMap<>();
    private int next;
    private long begunAt;
    private boolean repeated;
    private JsonNode current = MissingNode.getInstance();
    private JsonNode input = MissingNode.getInstance();

    /**
     * Reads the story.
     *
     * @param haste how many times faster than the story says the agents work
     */
    DemoStory(int haste) {
        this.haste = haste;
        try (InputStream in = DemoStory.class.getClassLoader().getResourceAsStream(FILE)) {
            JsonNode story = Json.read(in);
            steps = story.get("steps");
            jobs = story.get("jobs");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Goes to the next step.
     *
     * @return false if the story is over
     */
    synchronized boolean advance() {
        while (next < steps.size()) {
            if (!repeated) {
                begunAt = System.nanoTime();
            }
            repeated = false;
            current = steps.get(next++);
            Optional<JsonNode> resolved = resolve(current.path("input"));
            if (resolved.isPresent()) {
                input = resolved.get();
                return true;
            }
            LOG.info("The demo leaves out {}, because an earlier call has no such answer", current.path("call"));
        }
        return false;
    }

    /** The operation of the present step. */
    synchronized String operation() {
        return current.path("call").asText();
    }

    /** The input of the present step, a JSON object as text. */
    synchronized String input() {
        return input.toString();
    }

    /**
     * Takes the answer to the present step.
     *
     * @param answer JSON
     * @throws JsonProcessingException if it is not JSON
     */
    synchronized void answered(String answer) throws JsonProcessingException {
        JsonNode tree = Json.read(answer);
        if (current.has("endIf") && !tree.at(current.get("endIf").asText()).isMissingNode()) {
            next = steps.size();
        }
        boolean missing = false;
        for (Map.Entry<String, JsonNode> kept : current.path("keep").properties()) {
            JsonNode part = tree.at(kept.getValue().asText());
            if (part.isMissingNode()) {
                missing = true;
            } else {
                names.put(kept.getKey(), part);
            }
        }
        boolean patient = System.nanoTime() - begunAt < LONGEST_WAIT.toNanos();
        if (missing && current.path("wait").asBoolean() && patient) {
            next--;
            repeated = true;
        }
    }

    /**
     * The script of the jobs with a subject: the outcome for the runs of these jobs.
     *
     * @param subject the subject
     * @return the script; empty if the story has none, or if the calls that it builds on were refused
     */
    synchronized Optional<AgentScript> script(String subject) {
        JsonNode job = jobs.path(subject);
        if (job.isMissingNode()) {
            return Optional.empty();
        }
        Duration after = Duration.ofMillis(job.path("seconds").asLong() * 1000 / haste);
        List<Outcome> runs = new ArrayList<>();
        for (JsonNode run : job.path("runs")) {
            List<Outcome.Call> calls = new ArrayList<>();
            for (JsonNode call : run) {
                resolve(call.path("body"))
                        .ifPresent(body ->
                                calls.add(new Outcome.Call(call.path("to").asText(), fields(body))));
            }
            runs.add(new Outcome.Calls(after, calls));
        }
        AgentScript script = AgentScript.inOrder(runs.toArray(new Outcome[0]));
        JsonNode summary = job.path("onceAnswered");
        return Optional.of(
                summary.isMissingNode() ? script : script.onceAnswered(new Outcome.Complete(after, summary.asText())));
    }

    private static Map<String, Object> fields(JsonNode body) {
        Map<String, Object> fields = new HashMap<>();
        body.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
        return fields;
    }

    /** The tree with the named parts in place of their names; empty if a name stands for nothing. */
    private Optional<JsonNode> resolve(JsonNode tree) {
        if (tree.isTextual() && tree.asText().startsWith("$")) {
            return named(tree.asText().substring(1));
        } else if (tree.isObject()) {
            ObjectNode object = Json.object();
            for (Map.Entry<String, JsonNode> field : tree.properties()) {
                Optional<JsonNode> value = resolve(field.getValue());
                if (value.isEmpty()) {
                    return Optional.empty();
                }
                object.set(field.getKey(), value.get());
            }
            return Optional.of(object);
        } else if (tree.isArray()) {
            ArrayNode array = JsonNodeFactory.instance.arrayNode();
            for (JsonNode element : tree) {
                Optional<JsonNode> value = resolve(element);
                if (value.isEmpty()) {
                    return Optional.empty();
                }
                array.add(value.get());
            }
            return Optional.of(array);
        }
        return Optional.of(tree.isMissingNode() ? Json.object() : tree);
    }

    private Optional<JsonNode> named(String name) {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        if (name.equals("now")) {
            return Optional.of(TextNode.valueOf(now.toString()));
        } else if (name.equals("nextWeek")) {
            return Optional.of(TextNode.valueOf(now.plus(Duration.ofDays(7)).toString()));
        }
        return Optional.ofNullable(names.get(name));
    }
}
