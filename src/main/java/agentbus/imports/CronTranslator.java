package agentbus.imports;

import agentbus.orders.Schedule;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Translates the crons of one list. A field that an order cannot have becomes a note; a cron whose order would do more
 * than the cron did is left out.
 */
final class CronTranslator {
    /** Chosen: an order's name has at most 63 characters, so a number still fits behind this length. */
    private static final int NAME_LENGTH = 58;
    /** Chosen: a session's name has at most 100 characters, so a number still fits behind this length. */
    private static final int SESSION_LENGTH = 95;
    /** The longest timeout of a standing order. */
    private static final Duration LONGEST = Duration.ofDays(1);

    private static final String UTC = "UTC";
    /** The mode of a scheduledToolPolicy that limits nothing; that of every cron which an operator makes (measured). */
    private static final String UNLIMITED = "trusted";
    /** The beginnings of a declarationKey with which OpenClaw 2026.9.6 marks its own crons (measured). */
    private static final Pattern OPENCLAWS_OWN = Pattern.compile("(heartbeat|memory-core|skill-collection-review):.*");

    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\x{feff}\\x{fffe}\\x{ffff}&&[^\\n\\t]]");
    private static final Pattern HALF_CHARACTER = Pattern.compile("[\\x{d800}-\\x{dfff}]");

    private final CronChoices choices;
    private final Set<String> fleet;
    private final Set<String> names;
    private final Set<String> asked = new LinkedHashSet<>();
    /** The names of sessions in use, with the conversation of OpenClaw that each stands for. */
    private final Map<String, String> sessions = new HashMap<>();
    /** What each imported cron does, with the cron's name. */
    private final Map<Map<String, String>, String> known = new HashMap<>();

    /**
     * A translation of one list.
     *
     * @param choices the caller's choices
     * @param fleet the ids of all agents
     * @param taken the names that no order may have
     */
    CronTranslator(CronChoices choices, Set<String> fleet, Set<String> taken) {
        this.choices = choices;
        this.fleet = fleet;
        this.names = new LinkedHashSet<>(taken);
    }

    /**
     * The decisions that the list needs and the caller has not made.
     *
     * @return a sentence for each, with the option that makes the decision; empty when nothing is missing
     */
    Set<String> asked() {
        return asked;
    }

    /**
     * Translates one job of {@code openclaw cron list --json}.
     *
     * @param job the job
     * @return the translation
     */
    OpenclawCron translate(JsonNode job) {
        String id = job.path("id").asText("?");
        String name = job.path("name").asText("").strip();
        List<String> notes = new ArrayList<>();
        boolean enabled = job.path("enabled").asBoolean(true);
        try {
            Map<String, Map<String, String>> orders = orders(job, name.isEmpty() ? id : name, enabled, notes);
            return new OpenclawCron(id, name.isEmpty() ? id : name, enabled, orders, notes);
        } catch (IllegalArgumentException leftOut) {
            return new OpenclawCron(id, name.isEmpty() ? id : name, enabled, Map.of(), List.of(leftOut.getMessage()));
        }
    }

    private Map<String, Map<String, String>> orders(JsonNode job, String name, boolean enabled, List<String> notes) {
        Set<String> missing = new LinkedHashSet<>();
        if (!enabled && !choices.includeDisabled()) {
            throw new IllegalArgumentException("it is disabled; --include-disabled writes its order as a comment");
        }
        if (OPENCLAWS_OWN.matcher(job.path("declarationKey").asText("")).matches()) {
            throw new IllegalArgumentException("it is OpenClaw's own cron, which works on its gateway only");
        }
        if (job.hasNonNull("trigger")) {
            throw new IllegalArgumentException("it runs on a condition (trigger); write that as the order's preCheck");
        }
        JsonNode payload = job.path("payload");
        JsonNode schedule = job.path("schedule");
        Map<String, String> parameters = new LinkedHashMap<>();
        String instructions = instructions(payload, notes);
        checkLimits(job, payload, notes);
        List<String> crons = crons(schedule, notes);
        parameters.put("agent", agent(job, name, missing, notes));
        parameters.put("cron", "");
        parameters.put("zone", zone(schedule, name, missing, notes));
        parameters.put("session", session(job, notes));
        parameters.put("purpose", purpose(job, name, notes));
        timeout(payload, notes).ifPresent(seconds -> parameters.put("timeoutSeconds", seconds));
        parameters.put("instructions", instructions);
        List<Map<String, String>> orders = new ArrayList<>();
        for (String cron : crons) {
            requireFuture(cron, parameters.get("zone"), schedule.path("expr").asText(""));
            Map<String, String> order = new LinkedHashMap<>(parameters);
            order.put("cron", cron);
            requireNew(order, enabled);
            orders.add(order);
        }
        asked.addAll(missing);
        CronFields.tellRest(job, notes);
        Map<String, Map<String, String>> named = new LinkedHashMap<>();
        for (Map<String, String> order : orders) {
            remember(order, name, enabled);
            named.put(freeName(name, notes), order);
        }
        if (!enabled) {
            notes.add(
                    "it is disabled, so its order is a comment in the file; remove the # of its lines to switch it on");
        }
        return named;
    }

    private static String instructions(JsonNode payload, List<String> notes) {
        String kind = payload.path("kind").asText("");
        if (kind.equals("systemEvent")) {
            notes.add("it was an event for the main session; now it starts a run of its own");
        } else if (!kind.equals("agentTurn")) {
            throw new IllegalArgumentException(
                    "payload.kind is \"" + kind + "\"; only agentTurn and systemEvent wake an agent with a text");
        }
        String text =
                payload.path(kind.equals("systemEvent") ? "text" : "message").asText("");
        if (text.isBlank()) {
            throw new IllegalArgumentException("its payload has no text");
        }
        return literal(text, notes).strip();
    }

    /** Leaves out a cron with limits that an order cannot have, because its order could do more than the cron. */
    private void checkLimits(JsonNode job, JsonNode payload, List<String> notes) {
        List<String> limits = new ArrayList<>();
        JsonNode tools = payload.path("toolsAllow");
        if (tools.isArray() && !holds(tools, "*")) {
            limits.add("only the tools " + (tools.isEmpty() ? "of an empty list" : join(tools)) + " (toolsAllow)");
        }
        String policy = job.path("scheduledToolPolicy").path("mode").asText(UNLIMITED);
        if (!policy.equals(UNLIMITED)) {
            limits.add("only what its creator may use (scheduledToolPolicy)");
        }
        if (payload.hasNonNull("externalContentSource")) {
            limits.add("its text only as text from outside (externalContentSource)");
        }
        if (limits.isEmpty()) {
            return;
        }
        if (!choices.withoutLimits()) {
            throw new IllegalArgumentException("it may use " + String.join(", and ", limits)
                    + ", and an order has no such limit; --without-limits imports it with all tools of its agent");
        }
        notes.add("it could use " + String.join(", and ", limits) + "; its order has all tools of its agent");
    }

    private static boolean holds(JsonNode list, String text) {
        for (JsonNode each : list) {
            if (each.asText().equals(text)) {
                return true;
            }
        }
        return false;
    }

    private static String join(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(each -> texts.add(each.asText()));
        return String.join(", ", texts);
    }

    private static List<String> crons(JsonNode schedule, List<String> notes) {
        String kind = schedule.path("kind").asText("");
        switch (kind) {
            case "cron":
                return new CronTimes(notes).ofExpression(schedule.path("expr").asText(""));
            case "every":
                return List.of(CronTimes.ofInterval(
                        schedule.path("everyMs").asLong(0),
                        schedule.path("anchorMs").asLong(0)));
            case "at":
                throw new IllegalArgumentException("it runs once, at "
                        + schedule.path("at").asText("?") + "; enqueue a job instead (enqueue-job --run-after)");
            default:
                throw new IllegalArgumentException("schedule.kind is \"" + kind + "\"; it must be cron or every");
        }
    }

    private String agent(JsonNode job, String name, Set<String> missing, List<String> notes) {
        String own = job.path("agentId").asText("").strip();
        String runsAs = own.isEmpty() ? job.path("effectiveAgentId").asText("").strip() : own;
        String agent = choices.agents().getOrDefault(runsAs, runsAs);
        if (fleet.contains(agent)) {
            if (!agent.equals(runsAs)) {
                notes.add("it ran as " + runsAs + "; now it runs as " + agent);
            }
            return agent;
        }
        if (!own.isEmpty()) {
            missing.add("the agent " + own + ", to whom " + name + " belongs, is not in the fleet: --map-agent " + own
                    + "=<agent>");
        } else {
            notes.add("it names no agent" + (runsAs.isEmpty() ? "" : " and ran as " + runsAs) + "; given to "
                    + choices.defaultAgent());
        }
        return choices.defaultAgent();
    }

    private String zone(JsonNode schedule, String name, Set<String> missing, List<String> notes) {
        if (schedule.path("kind").asText().equals("every")) {
            return UTC;
        }
        String given = schedule.path("tz").asText("").strip();
        if (!given.isEmpty()) {
            String zone = zoneName(given)
                    .orElseThrow(() -> new IllegalArgumentException("schedule.tz is \"" + given
                            + "\"; it must be the name of a zone, such as Europe/Berlin, or an offset of whole hours"));
            if (!zone.equals(given)) {
                notes.add("its time zone " + given + " is written as " + zone);
            }
            return zone;
        }
        if (choices.zone() == null) {
            missing.add("the schedule of " + name + " names no time zone, and OpenClaw runs it in that of the gateway's"
                    + " machine: --zone <zone>");
            return UTC;
        }
        notes.add("it names no time zone; taken as " + choices.zone());
        return choices.zone();
    }

    /**
     * The name that standing orders have for a time zone of OpenClaw.
     *
     * @param zone a name in any case, or an offset such as {@code +08:00}
     * @return the name; empty when there is no such zone, or no name for the offset
     */
    static Optional<String> zoneName(String zone) {
        Set<String> names = ZoneId.getAvailableZoneIds();
        if (names.contains(zone)) {
            return Optional.of(zone);
        }
        Optional<String> sameName = names.stream()
                .filter(name -> name.equalsIgnoreCase(zone))
                .sorted()
                .findFirst();
        if (sameName.isPresent()) {
            return sameName;
        }
        try {
            ZoneId id =
                    ZoneId.of(zone.toUpperCase(Locale.ROOT), ZoneId.SHORT_IDS).normalized();
            if (!(id instanceof ZoneOffset offset) || offset.getTotalSeconds() % 3_600 != 0) {
                return Optional.empty();
            }
            int hours = offset.getTotalSeconds() / 3_600;
            // In these names the sign is the other way round: Etc/GMT-8 is eight hours east of Greenwich.
            String name = hours == 0 ? UTC : "Etc/GMT" + (hours > 0 ? "-" : "+") + Math.abs(hours);
            return Optional.of(name).filter(names::contains);
        } catch (DateTimeException unknown) {
            return Optional.empty();
        }
    }

    private String session(JsonNode job, List<String> notes) {
        String target = job.path("sessionTarget").asText("isolated").strip();
        if (target.isEmpty() || target.equals("isolated")) {
            return "isolated";
        }
        String conversation = target.startsWith("session:")
                ? target.substring("session:".length())
                : target.equals("current") ? job.path("sessionKey").asText("current") : target;
        String key = conversation.strip().toLowerCase(Locale.ROOT);
        String name = key.replaceAll("[^a-z0-9:_-]+", "-").replaceAll("^[^a-z0-9]+", "");
        name = name.isEmpty() ? "openclaw" : name.substring(0, Math.min(name.length(), SESSION_LENGTH));
        String free = name;
        for (int i = 2; !sessions.computeIfAbsent(free, unused -> key).equals(key); i++) {
            free = name + "-" + i;
        }
        if (!target.startsWith("session:") || key.contains(":") || !free.equals(key)) {
            notes.add("it ran in the conversation " + conversation + "; its runs now share session:" + free
                    + ", which begins empty");
        }
        return "session:" + free;
    }

    private static String purpose(JsonNode job, String name, List<String> notes) {
        String described = job.path("description").asText("").strip();
        String purpose = described.isEmpty() ? "Imported from the OpenClaw cron " + name + "." : described;
        return literal(purpose.replaceAll("\\s+", " "), notes).strip();
    }

    private static Optional<String> timeout(JsonNode payload, List<String> notes) {
        JsonNode given = payload.path("timeoutSeconds");
        if (given.isMissingNode() || given.isNull()) {
            return Optional.empty();
        }
        double seconds = given.asDouble(0);
        if (seconds <= 0) {
            notes.add("it had no timeout; that of its agent applies");
            return Optional.empty();
        }
        long whole = Math.min((long) Math.ceil(seconds), LONGEST.toSeconds());
        if (whole != seconds) {
            notes.add("its timeout was " + given.asText() + " s; now it is " + whole + " s");
        }
        return Optional.of(String.valueOf(whole));
    }

    private static void requireFuture(String cron, String zone, String expression) {
        Schedule schedule;
        try {
            schedule = Schedule.of(cron, ZoneId.of(zone));
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(
                    "schedule.expr is \"" + expression + "\"; it " + wrong.getMessage(), wrong);
        }
        if (!schedule.comesAfter(Instant.now())) {
            throw new IllegalArgumentException("its schedule (" + cron + ") never comes again");
        }
    }

    /** Leaves out a cron that does the same as one before it. */
    private void requireNew(Map<String, String> order, boolean enabled) {
        String other = known.get(identity(order, true));
        if (other == null && !enabled) {
            other = known.get(identity(order, false));
        }
        if (other != null) {
            throw new IllegalArgumentException(
                    "it does the same at the same times as " + other + " before it, so the work would be done twice");
        }
    }

    private void remember(Map<String, String> order, String name, boolean enabled) {
        known.put(identity(order, enabled), name);
    }

    private static Map<String, String> identity(Map<String, String> order, boolean enabled) {
        Map<String, String> identity = new HashMap<>(order);
        identity.remove("purpose");
        identity.put("enabled", String.valueOf(enabled));
        return identity;
    }

    /** Makes a text that a route file can hold. Camel reads double braces as a placeholder, and has no escape for them. */
    private static String literal(String text, List<String> notes) {
        String literal = text.replaceAll("\\R", "\n");
        String plain =
                HALF_CHARACTER.matcher(CONTROL.matcher(literal).replaceAll(" ")).replaceAll("?");
        if (!plain.equals(literal)) {
            notes.add("its text holds characters that a route file cannot hold; a blank or ? stands for each");
        }
        if (plain.contains("{{") || plain.contains("}}")) {
            notes.add("Camel reads two braces in a text as a placeholder; they now have a blank between them");
            while (plain.contains("{{") || plain.contains("}}")) {
                plain = plain.replace("{{", "{ {").replace("}}", "} }");
            }
        }
        return plain;
    }

    private String freeName(String name, List<String> notes) {
        String kebab =
                name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^[^a-z]+|-+$", "");
        String base = kebab.isEmpty()
                ? "openclaw-cron"
                : kebab.substring(0, Math.min(kebab.length(), NAME_LENGTH)).replaceAll("-+$", "");
        String free = base;
        for (int i = 2; !names.add(free); i++) {
            free = base + "-" + i;
        }
        if (!free.equals(name)) {
            notes.add("its name is " + free + " now" + (free.equals(base) ? "" : ", because " + base + " is in use"));
        }
        return free;
    }
}
