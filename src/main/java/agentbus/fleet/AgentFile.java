package agentbus.fleet;

import agentbus.text.Nearest;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** One agent.yaml, with the rules for its keys and values. */
final class AgentFile {

    private static final List<String> KEYS = List.of(
            "id",
            "mission",
            "maxConcurrency",
            "gateway",
            "accepts",
            "mayEnqueueTo",
            "emits",
            "subscriptions",
            "maxFollowUps",
            "proposalBudget",
            "mayTriage",
            "mayConvert",
            "mayPromoteMemories",
            "idleQuestions",
            "idleBudget",
            "reads",
            "model",
            "thinking",
            "timeoutSeconds");
    private static final List<String> SUBSCRIPTION_KEYS = List.of("topic", "subject", "priority", "coalesce");
    private static final List<String> DAILY_KEYS = List.of("ideas", "opportunities", "memoryCandidates");
    /** The database has the defaults of these, so they are written only if the file has them. */
    private static final List<String> FURTHER_BUDGET_KEYS = List.of("urgent", "openOpportunities");

    private static final List<String> BUDGET_KEYS =
            Stream.concat(DAILY_KEYS.stream(), FURTHER_BUDGET_KEYS.stream()).toList();

    private static final String DOLLARS = "dollars";
    /** The most of each unit for the idle runs of a day. The database has the defaults. */
    private static final Map<String, Integer> MOST_IDLE =
            Map.of("runs", 100, "minutes", 1440, "tokens", 1_000_000_000, DOLLARS, 100_000);

    private static final List<String> IDLE_KEYS = List.of("runs", "minutes", "tokens", DOLLARS);
    private static final int MOST_QUESTIONS = 100;

    private static final String DEFAULT_GATEWAY = "default";
    private static final int DEFAULT_PRIORITY = 100;
    private static final int DEFAULT_FOLLOW_UPS = 20;
    private static final int MOST_FOLLOW_UPS = 1000;
    private static final int MOST_PROPOSALS = 1000;

    private static final Rule TRUST = Rule.of(
            "trusted|untrusted",
            9,
            "it must be trusted (payloads from outside are refused) or untrusted (they come, marked as data)");
    private static final Rule MEMORIES = Rule.of(
            "own|shared",
            6,
            "it must be own (candidates for the agent's own role memory) or shared (all but private ones of others)");
    private static final Rule QUESTION = Rule.of(
            "(?=\\S)[\\P{Cntrl}&&\\P{Cs}]{9,}\\S",
            300,
            "it must be a question of 10 to 300 characters in one line, without white space at its ends");
    /** The subjects of standing orders. Every agent accepts its own, without an entry in its list. */
    static final Pattern STANDING_ORDER = Pattern.compile("standing_order\\.[a-z0-9_-]+");

    private final YamlFile file;
    private final Fields fields;
    private final Handoffs handoffs;
    private final ObjectNode root;
    private final JsonPointer top = JsonPointer.empty();

    AgentFile(YamlFile file) {
        this.file = file;
        this.fields = new Fields(file);
        this.handoffs = new Handoffs(file);
        this.root = file.root();
    }

    /**
     * Checks and reads the file.
     *
     * @param folder the name of the file's folder, which must equal the agent's id
     * @return the agent; lists, maxConcurrency, gateway and the rights are always present, other keys only if the file
     *     has them
     * @throws AgentFileError at the first mistake
     */
    ObjectNode read(String folder) {
        fields.checkKeys(root, top, KEYS);
        ObjectNode agent = root.objectNode();
        agent.put("id", id(folder));
        copyText(agent, "mission", 1000);
        agent.put("maxConcurrency", fields.number(root, top, "maxConcurrency", 1, 100, 1));
        agent.put("gateway", root.has("gateway") ? fields.text(root, top, "gateway", Rule.NAME) : DEFAULT_GATEWAY);
        fields.texts(root, top, "accepts", Rule.SUBJECT).forEach(agent.putArray("accepts")::add);
        ArrayNode allowed = handoffs.read(folder);
        // The names without limits are written too, for nodes of an older version.
        ArrayNode names = agent.putArray("mayEnqueueTo");
        allowed.forEach(handoff -> names.add(handoff.get("agent")));
        agent.set("handoffs", allowed);
        agent.put("maxFollowUps", fields.number(root, top, "maxFollowUps", 0, MOST_FOLLOW_UPS, DEFAULT_FOLLOW_UPS));
        fields.texts(root, top, "emits", Rule.TOPIC_PATTERN).forEach(agent.putArray("emits")::add);
        agent.set("subscriptions", subscriptions());
        if (root.has("proposalBudget")) {
            agent.set("proposalBudget", proposalBudget());
        }
        agent.put("mayTriage", fields.flag(root, top, "mayTriage"));
        agent.put("mayConvert", fields.flag(root, top, "mayConvert"));
        if (root.has("mayPromoteMemories")) {
            agent.put("mayPromoteMemories", fields.text(root, top, "mayPromoteMemories", MEMORIES));
        }
        if (root.has("idleQuestions")) {
            idleQuestions().forEach(agent.putArray("idleQuestions")::add);
        }
        if (root.has("idleBudget")) {
            agent.set("idleBudget", idleBudget());
        }
        agent.put("reads", root.has("reads") ? fields.text(root, top, "reads", TRUST) : "untrusted");
        copyText(agent, "model", 200);
        copyText(agent, "thinking", 50);
        if (root.has("timeoutSeconds")) {
            agent.put("timeoutSeconds", fields.number(root, top, "timeoutSeconds", 1, 86_400, 1));
        }
        return agent;
    }

    /**
     * Checks that each target of a handoff exists and accepts the subjects. This is separate from {@link #read},
     * because the check needs all agents.
     *
     * @param accepts each agent's accepted subjects, by agent id
     * @throws AgentFileError at the first mistake
     */
    void checkHandoffs(Map<String, List<String>> accepts) {
        handoffs.check(accepts);
    }

    /**
     * Checks that the agent's gateway exists.
     *
     * @param gateways the names of all gateways
     * @throws AgentFileError if it does not
     */
    void checkGateway(Collection<String> gateways) {
        String gateway = root.path("gateway").asText(DEFAULT_GATEWAY);
        if (!gateways.contains(gateway)) {
            throw file.wrong(
                    top.appendProperty("gateway"),
                    "there is no such gateway; " + Nearest.hint(gateway, gateways)
                            + " (agentbus.gateways lists further ones)");
        }
    }

    private String id(String folder) {
        if (!root.has("id")) {
            throw file.error(
                    top.appendProperty("id"),
                    "id is missing; it must be the name of the folder, " + AgentFileError.shown(folder));
        }
        String id = fields.text(root, top, "id", Rule.NAME);
        if (!id.equals(folder)) {
            throw file.wrong(
                    top.appendProperty("id"), "it must be the name of the folder, " + AgentFileError.shown(folder));
        }
        return id;
    }

    private ObjectNode proposalBudget() {
        JsonPointer at = top.appendProperty("proposalBudget");
        if (!(root.get("proposalBudget") instanceof ObjectNode written)) {
            throw file.wrong(
                    at,
                    "it must be a mapping of ideas, opportunities, memoryCandidates and urgent to numbers for a day,"
                            + " and of openOpportunities to a number");
        }
        fields.checkKeys(written, at, BUDGET_KEYS);
        ObjectNode budget = root.objectNode();
        for (String key : BUDGET_KEYS) {
            if (DAILY_KEYS.contains(key) || written.has(key)) {
                budget.put(key, fields.number(written, at, key, 0, MOST_PROPOSALS, 0));
            }
        }
        return budget;
    }

    private List<String> idleQuestions() {
        List<String> questions = fields.texts(root, top, "idleQuestions", QUESTION);
        if (questions.size() > MOST_QUESTIONS) {
            throw file.error(
                    top.appendProperty("idleQuestions"),
                    "idleQuestions has " + questions.size() + " questions; at most " + MOST_QUESTIONS + " are right");
        }
        return questions;
    }

    private ObjectNode idleBudget() {
        JsonPointer at = top.appendProperty("idleBudget");
        if (!(root.get("idleBudget") instanceof ObjectNode written)) {
            throw file.wrong(at, "it must be a mapping of runs, minutes, tokens and dollars to numbers for a day");
        }
        fields.checkKeys(written, at, IDLE_KEYS);
        ObjectNode budget = root.objectNode();
        for (String key : IDLE_KEYS) {
            if (written.has(key)) {
                int most = MOST_IDLE.get(key);
                budget.set(
                        key,
                        DOLLARS.equals(key)
                                ? DecimalNode.valueOf(fields.amount(written, at, key, most))
                                : IntNode.valueOf(fields.number(written, at, key, 0, most, 0)));
            }
        }
        return budget;
    }

    private ArrayNode subscriptions() {
        ArrayNode read = root.arrayNode();
        Set<List<String>> seen = new HashSet<>();
        JsonPointer list = top.appendProperty("subscriptions");
        JsonNode entries = fields.list(root, top, "subscriptions");
        for (int i = 0; i < entries.size(); i++) {
            JsonPointer at = list.appendIndex(i);
            if (!(entries.get(i) instanceof ObjectNode entry)) {
                throw file.wrong(at, "it must be a mapping of topic, subject and, if need be, priority and coalesce");
            }
            fields.checkKeys(entry, at, SUBSCRIPTION_KEYS);
            String topic = fields.text(entry, at, "topic", Rule.TOPIC_PATTERN);
            String subject = fields.text(entry, at, "subject", Rule.SUBJECT);
            if (!accepts(subject)) {
                throw file.wrong(
                        at.appendProperty("subject"), "the agent does not accept it; it must be one of its accepts");
            }
            if (!seen.add(List.of(topic, subject))) {
                throw file.error(at, YamlFile.field(at) + " repeats an earlier one; an event would make two jobs");
            }
            read.addObject()
                    .put("topic", topic)
                    .put("subject", subject)
                    .put("priority", fields.number(entry, at, "priority", 1, 1000, DEFAULT_PRIORITY))
                    .put("coalesce", fields.flag(entry, at, "coalesce"));
        }
        return read;
    }

    private boolean accepts(String subject) {
        if (STANDING_ORDER.matcher(subject).matches()) {
            return true;
        }
        for (JsonNode accepted : root.path("accepts")) {
            if (accepted.textValue().equals(subject)) {
                return true;
            }
        }
        return false;
    }

    private void copyText(ObjectNode agent, String key, int longest) {
        if (root.has(key)) {
            // jsonb stores neither NUL nor unpaired surrogates.
            Rule rule = Rule.of(
                    "(?=.*\\S)[\\P{Cntrl}\\n\\t&&\\P{Cs}]*",
                    longest,
                    "it must be text of 1 to " + longest + " characters, without control characters");
            agent.put(key, fields.text(root, top, key, rule).strip());
        }
    }
}
