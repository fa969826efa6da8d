package agentbus.fleet;

import agentbus.text.Nearest;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** One agent.yaml: which keys it may have, and what each may hold. */
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
            "model",
            "thinking",
            "timeoutSeconds");
    private static final List<String> SUBSCRIPTION_KEYS = List.of("topic", "subject", "priority");

    private static final String EVERY_AGENT = "*";
    private static final int DEFAULT_PRIORITY = 100;

    private static final Rule NAME = new Rule(
            "[a-z][a-z0-9-]{0,62}",
            63,
            "it must be lower case letters, digits and hyphens, a letter first, at most 63 characters");
    private static final Rule AGENT =
            new Rule("\\*|" + NAME.pattern(), 63, "it must be the name of an agent, or \"*\" alone for every agent");
    private static final Rule SUBJECT = new Rule(
            "[a-z0-9_-]+(\\.[a-z0-9_-]+)*",
            200,
            "it must be words of lower case letters, digits, _ and -, joined by dots, at most 200 characters");
    private static final Rule TOPIC_PATTERN = new Rule(
            "([a-z0-9_-]+|[*#])(\\.([a-z0-9_-]+|[*#]))*",
            200,
            "it must be words of lower case letters, digits, _ and -, joined by dots, where a whole word may be * (one"
                    + " word) or # (any number of words), at most 200 characters, in quotes");
    /** Every agent accepts its standing orders; they need no entry in its list. */
    private static final Pattern STANDING_ORDER = Pattern.compile("standing_order\\.[a-z0-9_-]+");

    private final YamlFile file;
    private final ObjectNode root;
    private final JsonPointer top = JsonPointer.empty();

    private record Rule(Pattern pattern, int longest, String right) {
        Rule(String pattern, int longest, String right) {
            this(Pattern.compile(pattern, Pattern.DOTALL), longest, right);
        }

        boolean allows(String value) {
            return value.length() <= longest && pattern.matcher(value).matches();
        }
    }

    AgentFile(YamlFile file) {
        this.file = file;
        this.root = file.root();
    }

    /**
     * Checks the file and says what it says.
     *
     * @param folder the name of the folder that the file stands in, which the agent must bear
     * @return the agent; lists, maxConcurrency and gateway are always there, what the file leaves out is not
     * @throws AgentFileError at the first mistake
     */
    ObjectNode read(String folder) {
        checkKeys(root, top, KEYS);
        ObjectNode agent = root.objectNode();
        agent.put("id", id(folder));
        copyText(agent, "mission", 1000);
        agent.put("maxConcurrency", number(root, top, "maxConcurrency", 1, 100, 1));
        agent.put("gateway", root.has("gateway") ? text(root, top, "gateway", NAME) : "default");
        ArrayNode accepts = agent.putArray("accepts");
        texts("accepts", SUBJECT).forEach(accepts::add);
        ArrayNode mayEnqueueTo = agent.putArray("mayEnqueueTo");
        handoffs().forEach(mayEnqueueTo::add);
        ArrayNode emits = agent.putArray("emits");
        texts("emits", SUBJECT).forEach(emits::add);
        agent.set("subscriptions", subscriptions());
        copyText(agent, "model", 200);
        copyText(agent, "thinking", 50);
        if (root.has("timeoutSeconds")) {
            agent.put("timeoutSeconds", number(root, top, "timeoutSeconds", 1, 86_400, 1));
        }
        return agent;
    }

    /**
     * Checks that every agent this one may hand work to exists; apart from {@link #read} because it needs the others.
     *
     * @param agents the fleet's agents
     * @throws AgentFileError at the first that is not there
     */
    void checkHandoffs(Collection<String> agents) {
        JsonPointer list = top.appendProperty("mayEnqueueTo");
        for (int i = 0; i < root.path("mayEnqueueTo").size(); i++) {
            String target = root.path("mayEnqueueTo").get(i).textValue();
            if (!target.equals(EVERY_AGENT) && !agents.contains(target)) {
                throw file.wrong(list.appendIndex(i), "there is no such agent; " + Nearest.hint(target, agents));
            }
        }
    }

    private String id(String folder) {
        if (!root.has("id")) {
            throw file.error(
                    top.appendProperty("id"),
                    "id is missing; it must be the name of the folder, " + AgentFileError.shown(folder));
        }
        String id = text(root, top, "id", NAME);
        if (!id.equals(folder)) {
            throw file.wrong(
                    top.appendProperty("id"), "it must be the name of the folder, " + AgentFileError.shown(folder));
        }
        return id;
    }

    private List<String> handoffs() {
        List<String> agents = texts("mayEnqueueTo", AGENT);
        int everyAgent = agents.indexOf(EVERY_AGENT);
        if (everyAgent >= 0 && agents.size() > 1) {
            // Beside a star every other name looks like a limit and is none.
            throw file.wrong(
                    top.appendProperty("mayEnqueueTo").appendIndex(everyAgent),
                    "it means every agent and must be the only entry");
        }
        return agents;
    }

    private ArrayNode subscriptions() {
        ArrayNode read = root.arrayNode();
        Set<List<String>> seen = new HashSet<>();
        JsonPointer list = top.appendProperty("subscriptions");
        JsonNode entries = list("subscriptions");
        for (int i = 0; i < entries.size(); i++) {
            JsonPointer at = list.appendIndex(i);
            if (!(entries.get(i) instanceof ObjectNode entry)) {
                throw file.wrong(at, "it must be a mapping of topic, subject and, if need be, priority");
            }
            checkKeys(entry, at, SUBSCRIPTION_KEYS);
            String topic = text(entry, at, "topic", TOPIC_PATTERN);
            String subject = text(entry, at, "subject", SUBJECT);
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
                    .put("priority", number(entry, at, "priority", 1, 1000, DEFAULT_PRIORITY));
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

    private void checkKeys(ObjectNode node, JsonPointer at, List<String> known) {
        node.fieldNames().forEachRemaining(key -> {
            if (!known.contains(key)) {
                throw file.error(
                        at.appendProperty(key),
                        (at.matches() ? "" : YamlFile.field(at) + ": ") + "there is no key " + AgentFileError.shown(key)
                                + "; " + Nearest.hint(key, known));
            }
        });
    }

    private void copyText(ObjectNode agent, String key, int longest) {
        if (root.has(key)) {
            // Postgres keeps neither control characters nor half characters in jsonb.
            Rule rule = new Rule(
                    "(?=.*\\S)[\\P{Cntrl}\\n\\t&&\\P{Cs}]*",
                    longest,
                    "it must be text of 1 to " + longest + " characters, without control characters");
            agent.put(key, text(root, top, key, rule).strip());
        }
    }

    private List<String> texts(String key, Rule rule) {
        JsonPointer at = top.appendProperty(key);
        JsonNode list = list(key);
        Set<String> texts = new LinkedHashSet<>();
        for (int i = 0; i < list.size(); i++) {
            if (!texts.add(text(list.get(i), at.appendIndex(i), rule))) {
                throw file.wrong(at.appendIndex(i), "it stands in the list already; once is right");
            }
        }
        return List.copyOf(texts);
    }

    private JsonNode list(String key) {
        JsonNode list = root.has(key) ? root.get(key) : root.arrayNode();
        if (!list.isArray()) {
            throw file.wrong(top.appendProperty(key), "it must be a list; [] for none");
        }
        return list;
    }

    private String text(ObjectNode parent, JsonPointer at, String key, Rule rule) {
        if (!parent.has(key)) {
            throw file.error(at, YamlFile.field(at.appendProperty(key)) + " is missing; " + rule.right());
        }
        return text(parent.get(key), at.appendProperty(key), rule);
    }

    private String text(JsonNode value, JsonPointer at, Rule rule) {
        if (!value.isTextual()) {
            throw file.wrong(
                    at, value.isValueNode() ? rule.right() + "; text that reads otherwise needs quotes" : rule.right());
        }
        if (!rule.allows(value.textValue())) {
            throw file.wrong(at, rule.right());
        }
        return value.textValue();
    }

    private int number(ObjectNode parent, JsonPointer at, String key, int least, int most, int absent) {
        if (!parent.has(key)) {
            return absent;
        }
        JsonNode value = parent.get(key);
        boolean whole = value.isIntegralNumber() && value.canConvertToInt();
        if (!whole || value.intValue() < least || value.intValue() > most) {
            throw file.wrong(at.appendProperty(key), "it must be a whole number from " + least + " to " + most);
        }
        return value.intValue();
    }
}
