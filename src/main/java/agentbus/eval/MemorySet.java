package agentbus.eval;

import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import agentbus.text.TextFile;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Memories, and jobs with the memories that matter to them. The file is JSON lines; its format is described in
 * docs/memory-evaluation.md.
 *
 * @param memories the memories, each with {@code memoryId} and the ids of the memories that it replaces and that replace
 *     it
 * @param jobs the jobs, in the order of the file
 */
record MemorySet(ArrayNode memories, List<Job> jobs) {
    private static final LineRules MEMORY = new LineRules()
            .required("type", "memory or job", LineRules::isText)
            .required("id", "a name for this line, unique in the file", LineRules::isText)
            .choice(
                    "kind",
                    "lesson",
                    "mistake",
                    "playbook",
                    "decision",
                    "constraint",
                    "preference",
                    "pattern",
                    "entity_fact",
                    "context")
            .choice("scope", "global", "agent", "project", "person", "service")
            .optional("subjectKey", "the agent, project, person or service that it is about", LineRules::isText)
            .required("title", "one line of text", LineRules::isText)
            .required("body", "a text", LineRules::isText)
            .optional("confidence", "a whole number from 1 to 5", LineRules.whole(1, 5), number(3))
            .choice("stability", "medium", "volatile", "stable")
            .choice("visibility", "shared", "role", "private")
            .optional("ownerAgent", "the agent whose role memory or private memory it is", LineRules::isText)
            .choice("trust", "trusted", "untrusted")
            .choice("status", "active", "superseded", "expired", "wrong")
            .optional("supersedes", "the id of the memory that it replaces", LineRules::isText)
            .optional("ageDays", "a whole number of days from 0 to 3650", LineRules.whole(0, 3650), number(0))
            .optional("expiresAt", "a time such as 2026-11-29T08:00:00Z", LineRules::isTime)
            .optional("expiresInDays", "a whole number of days; below 0 for the past", LineRules.whole(-3650, 3650))
            .optional("uses", "an object of counts, such as {\"injected\": 9, \"wrong\": 2}", JsonNode::isObject);

    private static final LineRules USES = new LineRules()
            .optional("injected", "a whole number", LineRules.whole(0, 1_000_000))
            .optional("used", "a whole number", LineRules.whole(0, 1_000_000))
            .optional("irrelevant", "a whole number", LineRules.whole(0, 1_000_000))
            .optional("wrong", "a whole number", LineRules.whole(0, 1_000_000))
            .optional("helped", "a whole number", LineRules.whole(0, 1_000_000))
            .optional("hurt", "a whole number", LineRules.whole(0, 1_000_000));

    private static final LineRules JOB = new LineRules()
            .required("type", "memory or job", LineRules::isText)
            .required("id", "a name for this line, unique in the file", LineRules::isText)
            .required("category", "a word, by which the table is divided", LineRules::isText)
            .required("agent", "the agent of the job", LineRules::isText)
            .required("subject", "the subject of the job", LineRules::isText)
            .required("payload", "the payload of the job", payload -> true)
            .optional("flowKey", "the flow key of the job", LineRules::isText)
            .optional("correlationKey", "the correlation key of the job", LineRules::isText)
            .optional("instructions", "the instructions of a standing order", LineRules::isText)
            .optional("relevant", "an object of memory ids with grades", JsonNode::isObject, Json.object())
            .optional(
                    "forbidden",
                    "a list of memory ids",
                    JsonNode::isArray,
                    Json.object().putArray("forbidden"));

    /**
     * A job with the memories that matter to it.
     *
     * @param id its name in the file
     * @param category the row of the table in which it counts
     * @param row its columns of the table {@code jobs}
     * @param relevant the ids of the memories that matter, with grades from 1 to 3; empty for a job to which none does
     * @param forbidden the ids of the memories that its prompt must not have
     */
    record Job(String id, String category, ObjectNode row, Map<String, Integer> relevant, Set<String> forbidden) {
        /** Keeps the order of the file. */
        Job {
            relevant = Collections.unmodifiableMap(new LinkedHashMap<>(relevant));
            forbidden = Collections.unmodifiableSet(new LinkedHashSet<>(forbidden));
        }
    }

    /** The id of a memory in the database, the same at each evaluation of a set. */
    static UUID memoryId(String id) {
        return UUID.nameUUIDFromBytes(id.getBytes(StandardCharsets.UTF_8));
    }

    /** The ids of the memories in the set, by their ids in the database. */
    Map<String, String> idsByMemoryId() {
        Map<String, String> ids = new HashMap<>();
        memories.forEach(memory ->
                ids.put(memory.path("memoryId").asText(), memory.path("id").asText()));
        return ids;
    }

    /**
     * Reads a file.
     *
     * @param file JSON lines in UTF-8; empty lines count as none
     * @return the set
     * @throws StartFailure when the file cannot be read, or a line breaks a rule; names the line, the field, its value and
     *     what would be right
     */
    static MemorySet read(Path file) {
        try {
            return new Reading(file.getFileName().toString()).read(TextFile.read(file));
        } catch (TextFile.NotUtf8 e) {
            throw new StartFailure(file + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new StartFailure("cannot read the set " + file + ": " + SecretFile.reason(e), e);
        }
    }

    private static JsonNode number(int value) {
        return Json.object().numberNode(value);
    }

    /** The lines that were read so far, with their places for messages. */
    private static final class Reading {
        private final String file;
        private final Map<String, ObjectNode> memories = new LinkedHashMap<>();
        private final Map<String, ObjectNode> jobs = new LinkedHashMap<>();
        private final Map<String, String> places = new LinkedHashMap<>();

        private Reading(String file) {
            this.file = file;
        }

        private MemorySet read(String text) {
            List<String> lines = text.lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                if (!lines.get(i).isBlank()) {
                    take(lines.get(i), file + ", line " + (i + 1));
                }
            }
            if (jobs.isEmpty()) {
                throw new StartFailure(file + " has no line with the type job, so there is nothing to evaluate");
            }
            memories.forEach(this::link);
            ArrayNode all = Json.object().putArray("memories");
            memories.forEach((id, memory) -> all.add(finished(id, memory)));
            List<Job> judged = new ArrayList<>();
            jobs.forEach((id, job) -> judged.add(judged(id, job)));
            return new MemorySet(all, List.copyOf(judged));
        }

        private void take(String text, String place) {
            ObjectNode line;
            try {
                line = StrictJson.object(text.getBytes(StandardCharsets.UTF_8), "The line");
            } catch (Problem malformed) {
                // The text is one line, so its own number would stand beside that of the file.
                throw new StartFailure(
                        place + ": " + malformed.detail().replace("line 1, column", "column"), malformed);
            }
            // A field that is null is left out, as programs write it; a payload may be null.
            line.properties()
                    .removeIf(field ->
                            field.getValue().isNull() && !field.getKey().equals("payload"));
            String type = line.path("type").asText();
            boolean memory = type.equals("memory");
            if (!memory && !type.equals("job")) {
                throw new StartFailure(place + ": type is " + line.path("type") + "; it must be memory or job");
            }
            (memory ? MEMORY : JOB).check(line, place);
            String id = line.path("id").asText();
            String earlier = places.putIfAbsent(id, place);
            if (earlier != null) {
                throw new StartFailure(place + ": the id " + id + " is that of " + earlier + "; ids are unique");
            }
            (memory ? memories : jobs).put(id, line);
        }

        /** Checks what the rule of a single field cannot see, and links a replaced memory with its replacement. */
        private void link(String id, ObjectNode memory) {
            String place = places.get(id);
            String scope = memory.path("scope").asText();
            require(
                    scope.equals("global") != memory.has("subjectKey"),
                    place + ": the scope is " + scope + (memory.has("subjectKey") ? ", so" : ", and") + " subjectKey "
                            + (memory.has("subjectKey") ? "must be left out" : "is missing"));
            String visibility = memory.path("visibility").asText();
            require(
                    visibility.equals("shared") != memory.has("ownerAgent"),
                    place + ": the visibility is " + visibility + (memory.has("ownerAgent") ? ", so" : ", and")
                            + " ownerAgent " + (memory.has("ownerAgent") ? "must be left out" : "is missing"));
            require(
                    !memory.has("expiresAt") || !memory.has("expiresInDays"),
                    place + ": expiresAt and expiresInDays say the same; give one of them");
            if (memory.has("uses")) {
                USES.check((ObjectNode) memory.path("uses"), place + ", uses");
            }
            if (memory.has("supersedes")) {
                String old = memory.path("supersedes").asText();
                ObjectNode replaced = known(old, place + ": supersedes");
                require(!old.equals(id), place + ": it supersedes itself");
                require(
                        replaced.path("status").asText().equals("superseded"),
                        places.get(old) + ": " + id + " supersedes it, so its status must be superseded");
                require(
                        !replaced.has("supersededById"),
                        place + ": supersedes is " + old + ", which another memory supersedes, too");
                memory.put("supersedesId", memoryId(old).toString());
                replaced.put("supersededById", memoryId(id).toString());
            }
        }

        private ObjectNode finished(String id, ObjectNode memory) {
            require(
                    memory.path("status").asText().equals("superseded") == memory.has("supersededById"),
                    places.get(id) + ": the status is superseded, and no memory of the file supersedes it");
            return memory.put("memoryId", memoryId(id).toString());
        }

        private Job judged(String id, ObjectNode job) {
            String place = places.get(id);
            Map<String, Integer> relevant = new LinkedHashMap<>();
            job.path("relevant").properties().forEach(each -> {
                known(each.getKey(), place + ": relevant");
                require(
                        LineRules.whole(1, 3).test(each.getValue()),
                        place + ": the grade of " + each.getKey() + " is " + each.getValue()
                                + "; it must be 1 (good to have), 2 (helps) or 3 (the job goes wrong without it)");
                relevant.put(each.getKey(), each.getValue().asInt());
            });
            Set<String> forbidden = new LinkedHashSet<>();
            for (JsonNode each : job.path("forbidden")) {
                require(each.isTextual(), place + ": forbidden has " + each + "; it must be an id");
                known(each.asText(), place + ": forbidden");
                require(
                        !relevant.containsKey(each.asText()),
                        place + ": " + each.asText() + " is relevant and forbidden; it can be one of them");
                forbidden.add(each.asText());
            }
            ObjectNode row = Json.object()
                    .put("target_agent", job.path("agent").asText())
                    .put("subject", job.path("subject").asText());
            row.set("payload", job.path("payload"));
            row.set("flow_key", job.get("flowKey"));
            row.set("correlation_key", job.get("correlationKey"));
            row.set("instructions", job.get("instructions"));
            return new Job(id, job.path("category").asText(), row, relevant, forbidden);
        }

        private ObjectNode known(String id, String where) {
            ObjectNode memory = memories.get(id);
            require(memory != null, where + " is " + id + ", and no memory of the file has this id");
            return memory;
        }

        private static void require(boolean holds, String otherwise) {
            if (!holds) {
                throw new StartFailure(otherwise);
            }
        }
    }
}
