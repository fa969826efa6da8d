package agentbus.imports;

import agentbus.orders.Schedule;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One cron of OpenClaw, translated into standing orders, or the reason why it was skipped.
 *
 * @param id its id in OpenClaw
 * @param name its name in OpenClaw
 * @param orders the parameters of the resulting orders, by name; empty when it is skipped
 * @param notes the changes, or the reason for skipping it
 */
record OpenclawCron(String id, String name, Map<String, Map<String, String>> orders, List<String> notes) {
    /** Chosen: an order's name has at most 63 characters, so a number still fits behind this length. */
    private static final int NAME_LENGTH = 58;

    private static final int UNIX_FIELDS = 5;
    private static final long MINUTE = 60_000;
    /** The longest timeout of a standing order. */
    private static final Duration LONGEST = Duration.ofDays(1);

    /**
     * Translates one job of {@code openclaw cron list --json}; unknown fields are ignored.
     *
     * @param job the job
     * @param defaultAgent the agent for a job that names none
     * @param defaultZone the time zone for a schedule that names none
     * @param includeDisabled whether to translate disabled jobs
     * @param taken the names in use; the names of the new orders are added
     * @return the translation
     */
    static OpenclawCron read(
            JsonNode job, String defaultAgent, String defaultZone, boolean includeDisabled, Set<String> taken) {
        OpenclawCron cron = new OpenclawCron(
                job.path("id").asText("?"), job.path("name").asText(""), new LinkedHashMap<>(), new ArrayList<>());
        try {
            cron.take(job, defaultAgent, defaultZone, includeDisabled, taken);
        } catch (IllegalArgumentException leftOut) {
            cron.orders.clear();
            cron.notes.clear();
            cron.notes.add(leftOut.getMessage());
        }
        return cron;
    }

    private void take(
            JsonNode job, String defaultAgent, String defaultZone, boolean includeDisabled, Set<String> taken) {
        if (!job.path("enabled").asBoolean(true) && !includeDisabled) {
            throw new IllegalArgumentException("it is disabled; --include-disabled takes it over");
        }
        if (job.hasNonNull("trigger")) {
            throw new IllegalArgumentException("it runs on a condition (trigger); write that as the order's preCheck");
        }
        String instructions = instructions(job.path("payload"));
        String zone = job.path("schedule").path("tz").asText("");
        List<String> crons = crons(job.path("schedule"));
        if (zone.isEmpty()) {
            zone = defaultZone;
            notes.add("names no time zone; taken as " + zone);
        }
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("agent", agent(job, defaultAgent));
        parameters.put("cron", "");
        parameters.put("zone", zone);
        parameters.put("session", session(job.path("sessionTarget").asText("isolated")));
        parameters.put("purpose", purpose(job));
        int timeout = job.path("payload").path("timeoutSeconds").asInt(0);
        if (timeout > 0) {
            parameters.put("timeoutSeconds", String.valueOf(Math.min(timeout, LONGEST.toSeconds())));
        }
        parameters.put("instructions", instructions);
        for (String each : crons) {
            check(each, zone);
            Map<String, String> order = new LinkedHashMap<>(parameters);
            order.put("cron", each);
            orders.put(freeName(taken), order);
        }
        for (String field : List.of("model", "thinking")) {
            if (job.path("payload").hasNonNull(field)) {
                notes.add(field + " is not carried over; the agent's own setting applies");
            }
        }
        String delivery = job.path("delivery").path("mode").asText("none");
        if (!delivery.equals("none")) {
            notes.add("delivery (" + delivery + ") is not carried over; hand what people read to the publisher");
        }
    }

    private String agent(JsonNode job, String defaultAgent) {
        String agent = job.path("agentId").asText("");
        if (agent.isEmpty()) {
            notes.add("names no agent; given to " + defaultAgent);
            return defaultAgent;
        }
        return agent;
    }

    private String purpose(JsonNode job) {
        String described = job.path("description").asText("").strip();
        return literal(described.isEmpty() ? "Imported from the OpenClaw cron " + name + "." : described);
    }

    private String session(String target) {
        if (target.equals("isolated") || target.isEmpty()) {
            return "isolated";
        }
        if (target.startsWith("session:")) {
            return target.toLowerCase(Locale.ROOT);
        }
        notes.add("ran in the " + target + " session; its runs now go on in session:" + target);
        return "session:" + target.toLowerCase(Locale.ROOT);
    }

    private String instructions(JsonNode payload) {
        String kind = payload.path("kind").asText("");
        String text = kind.equals("systemEvent")
                ? payload.path("text").asText("")
                : payload.path("message").asText("");
        if (kind.equals("systemEvent")) {
            notes.add("was an event for the main session; now starts a separate run");
        } else if (!kind.equals("agentTurn")) {
            throw new IllegalArgumentException(
                    "payload.kind is \"" + kind + "\"; only agentTurn and systemEvent wake an agent with a text");
        }
        if (text.isBlank()) {
            throw new IllegalArgumentException("its payload has no text");
        }
        return literal(text);
    }

    /** Separates double braces, because Camel reads them as a placeholder and has no escape for them. */
    private String literal(String text) {
        if (text.contains("{{") || text.contains("}}")) {
            notes.add("Camel reads two braces in a text as a placeholder; they now have a blank between them");
            return text.replace("{{", "{ {").replace("}}", "} }");
        }
        return text;
    }

    private List<String> crons(JsonNode schedule) {
        String kind = schedule.path("kind").asText("");
        switch (kind) {
            case "cron":
                return quartz(schedule.path("expr").asText("").strip());
            case "every":
                if (schedule.hasNonNull("anchorMs")) {
                    notes.add("its anchor is not carried over; it now runs at full hours or minutes");
                }
                return List.of(every(schedule.path("everyMs").asLong(0)));
            case "at":
                throw new IllegalArgumentException("it runs once, at "
                        + schedule.path("at").asText("?") + "; enqueue a job instead (enqueue-job --run-after)");
            default:
                throw new IllegalArgumentException("schedule.kind is \"" + kind + "\"; it must be cron or every");
        }
    }

    private List<String> quartz(String expression) {
        String[] fields = expression.split("\\s+");
        boolean seconds = fields.length == UNIX_FIELDS + 1;
        if (!seconds && fields.length != UNIX_FIELDS) {
            throw new IllegalArgumentException(
                    "schedule.expr is \"" + expression + "\"; it must have five or six fields");
        }
        String second = seconds ? fields[0] : "0";
        int first = seconds ? 1 : 0;
        fields[first + 4] = weekDays(fields[first + 4]);
        String unix = String.join(" ", List.of(fields).subList(first, first + UNIX_FIELDS));
        String monthDay = fields[first + 2];
        String weekDay = fields[first + 4];
        if (monthDay.startsWith("*") || weekDay.startsWith("*") || weekDay.equals("?") || monthDay.equals("?")) {
            return List.of(withSeconds(mapped(unix.replace('?', '*')), second));
        }
        notes.add("named days of the month and of the week, which Unix takes as either: two orders now");
        String time = fields[first] + " " + fields[first + 1] + " ";
        String month = " " + fields[first + 3] + " ";
        return List.of(
                withSeconds(mapped(time + monthDay + month + "*"), second),
                withSeconds(mapped(time + "*" + month + weekDay), second));
    }

    /** Translates days of the week. In Unix, Sunday is both 0 and 7, so a range may end in 7. */
    private static String weekDays(String field) {
        Matcher range = Pattern.compile("([0-6])-7").matcher(field);
        if (!range.matches()) {
            return field;
        }
        int from = Integer.parseInt(range.group(1));
        return from <= 1 ? "*" : "0," + from + "-6";
    }

    private static String withSeconds(String quartz, String second) {
        return second + quartz.substring(quartz.indexOf(' '));
    }

    private static String mapped(String unix) {
        try {
            // Removes the year field, which is always *.
            return Schedule.quartzOf(unix).replaceFirst(" \\*$", "");
        } catch (IllegalArgumentException noCron) {
            throw new IllegalArgumentException("schedule.expr \"" + unix + "\": " + noCron.getMessage(), noCron);
        }
    }

    private static String every(long millis) {
        long minutes = millis / MINUTE;
        if (millis > 0 && millis % MINUTE == 0) {
            if (minutes < 60 && 60 % minutes == 0) {
                return minutes == 1 ? "0 * * * * ?" : "0 0/" + minutes + " * * * ?";
            }
            long hours = minutes / 60;
            if (minutes % 60 == 0 && hours <= 24 && 24 % hours == 0) {
                return hours == 24 ? "0 0 0 * * ?" : hours == 1 ? "0 0 * * * ?" : "0 0 0/" + hours + " * * ?";
            }
        } else if (millis > 0 && millis % 1_000 == 0 && millis < MINUTE && MINUTE % millis == 0) {
            return "0/" + millis / 1_000 + " * * * * ?";
        }
        throw new IllegalArgumentException("it runs every " + Duration.ofMillis(millis)
                + ", which does not divide the minute, the hour or the day, so no cron expression can express it");
    }

    private static void check(String cron, String zone) {
        try {
            if (Schedule.of(cron, ZoneId.of(zone)).next(Instant.now(), 1).isEmpty()) {
                throw new IllegalArgumentException("its schedule (" + cron + ") never comes again");
            }
        } catch (DateTimeException unknown) {
            throw new IllegalArgumentException("schedule.tz is \"" + zone + "\", which is no time zone", unknown);
        }
    }

    private String freeName(Set<String> taken) {
        String kebab =
                name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^[^a-z]+|-+$", "");
        String base = kebab.isEmpty() ? "openclaw-cron" : kebab.substring(0, Math.min(kebab.length(), NAME_LENGTH));
        String free = base;
        for (int i = 2; !taken.add(free); i++) {
            free = base + "-" + i;
        }
        if (!free.equals(name)) {
            notes.add("its name is " + free + " now");
        }
        return free;
    }
}
