package agentbus.fleet;

import agentbus.text.Nearest;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The list mayEnqueueTo of an agent.yaml. Each entry is an agent's name, or a mapping that limits the subjects and job
 * types.
 */
final class Handoffs {

    private static final String KEY = "mayEnqueueTo";
    private static final String EVERY_AGENT = "*";
    private static final List<String> KEYS = List.of("agent", "subjects", "jobTypes");
    private static final Rule AGENT = Rule.of(
            "\\*|" + Rule.NAME.pattern(), 63, "it must be the name of an agent, or \"*\" alone for every other agent");
    /** The job types of every namespace; for dev, one kind or all of them. */
    private static final Rule JOB_TYPE = Rule.of(
            "reactive|scheduled|recovery|delivery|proactive|dev(\\.[a-z0-9_-]+)?",
            200,
            "it must be reactive, scheduled, recovery, delivery, proactive, dev or dev.<kind>");

    private final YamlFile file;
    private final Fields fields;
    private final ObjectNode root;
    private final JsonPointer list = JsonPointer.empty().appendProperty(KEY);

    Handoffs(YamlFile file) {
        this.file = file;
        this.fields = new Fields(file);
        this.root = file.root();
    }

    /**
     * Reads the list.
     *
     * @param self the id of the agent with the list
     * @return objects with agent and, for limited entries, subjects and jobTypes
     * @throws AgentFileError at the first mistake
     */
    ArrayNode read(String self) {
        ArrayNode handoffs = root.arrayNode();
        Set<String> seen = new HashSet<>();
        JsonNode entries = fields.list(root, JsonPointer.empty(), KEY);
        int everyAgent = -1;
        List<String> plain = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            ObjectNode handoff = entry(entries.get(i), list.appendIndex(i));
            String agent = handoff.get("agent").textValue();
            if (!seen.add(agent)) {
                throw file.wrong(list.appendIndex(i), "it stands in the list already; once is right");
            }
            if (agent.equals(EVERY_AGENT) && handoff.size() == 1) {
                everyAgent = i;
            } else if (!agent.equals(self)) {
                plain.add(agent);
            }
            handoffs.add(handoff);
        }
        if (everyAgent >= 0 && !plain.isEmpty()) {
            // A star includes every other agent, so only the agent's own name has an effect beside it.
            throw file.wrong(
                    list.appendIndex(everyAgent),
                    "it means every agent and must be the only entry, but for the agent's own name");
        }
        return handoffs;
    }

    /**
     * Checks that each agent in the list exists and accepts the subjects that the list names for it.
     *
     * @param accepts each agent's accepted subjects, by agent id
     * @throws AgentFileError at the first mistake
     */
    void check(Map<String, List<String>> accepts) {
        for (int i = 0; i < root.path(KEY).size(); i++) {
            JsonNode entry = root.path(KEY).get(i);
            JsonPointer at = list.appendIndex(i);
            String target =
                    entry.isTextual() ? entry.textValue() : entry.path("agent").textValue();
            if (!target.equals(EVERY_AGENT) && !accepts.containsKey(target)) {
                throw file.wrong(
                        entry.isTextual() ? at : at.appendProperty("agent"),
                        "there is no such agent; " + Nearest.hint(target, accepts.keySet()));
            }
            for (int s = 0; s < entry.path("subjects").size(); s++) {
                String subject = entry.path("subjects").get(s).textValue();
                if (!AgentFile.STANDING_ORDER.matcher(subject).matches()
                        && !known(target, accepts).contains(subject)) {
                    throw file.wrong(
                            at.appendProperty("subjects").appendIndex(s),
                            (target.equals(EVERY_AGENT)
                                            ? "no agent accepts it; "
                                            : "agent " + target + " does not accept it; ")
                                    + Nearest.hint(subject, known(target, accepts)));
                }
            }
        }
    }

    private static Set<String> known(String target, Map<String, List<String>> accepts) {
        Set<String> known = new TreeSet<>();
        accepts.forEach((agent, subjects) -> {
            if (target.equals(EVERY_AGENT) || target.equals(agent)) {
                known.addAll(subjects);
            }
        });
        return known;
    }

    private ObjectNode entry(JsonNode written, JsonPointer at) {
        ObjectNode handoff = root.objectNode();
        if (!(written instanceof ObjectNode mapping)) {
            if (written.isContainerNode()) {
                throw file.wrong(at, "it must be the name of an agent, or a mapping of agent, subjects and jobTypes");
            }
            return handoff.put("agent", fields.text(written, at, AGENT));
        }
        fields.checkKeys(mapping, at, KEYS);
        handoff.put("agent", fields.text(mapping, at, "agent", AGENT));
        narrow(handoff, mapping, at, "subjects", Rule.SUBJECT);
        narrow(handoff, mapping, at, "jobTypes", JOB_TYPE);
        return handoff;
    }

    private void narrow(ObjectNode handoff, ObjectNode mapping, JsonPointer at, String key, Rule rule) {
        if (!mapping.has(key)) {
            return;
        }
        List<String> texts = fields.texts(mapping, at, key, rule);
        if (texts.isEmpty()) {
            throw file.wrong(
                    at.appendProperty(key),
                    "it allows nothing; leave it out for no limit, or leave out the whole entry");
        }
        texts.forEach(handoff.putArray(key)::add);
    }
}
