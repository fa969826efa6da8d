package agentbus.imports;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The fields of a cron of OpenClaw that a standing order does not have. */
final class CronFields {
    /** Fields of a cron that the translation reads, or that only say what happened to the cron so far. */
    private static final Set<String> READ = Set.of(
            "id",
            "name",
            "displayName",
            "description",
            "enabled",
            "agentId",
            "effectiveAgentId",
            "schedule",
            "sessionTarget",
            "payload",
            "delivery",
            "trigger",
            "createdAtMs",
            "updatedAtMs",
            "configRevision",
            "state",
            "status",
            "nextRunAtMs",
            "lastRunAtMs",
            "lastRunStatus",
            "lastRunError",
            "lastDelivered",
            "lastDeliveryStatus",
            "lastDeliveryError",
            "deliverySuppressionReason",
            "lastFailureNotificationDelivered",
            "lastFailureNotificationDeliveryStatus",
            "lastFailureNotificationDeliveryError");

    private static final Set<String> READ_OF_SCHEDULE =
            Set.of("kind", "expr", "tz", "everyMs", "anchorMs", "staggerMs", "at");
    private static final Set<String> READ_OF_PAYLOAD =
            Set.of("kind", "message", "text", "timeoutSeconds", "toolsAllow", "toolsAllowIsDefault");

    /** What holds instead of a field that is not carried over. */
    private static final Map<String, String> INSTEAD = Map.of(
            "pacing", "it runs on its schedule alone",
            "failureAlert", "the bus emits standing_order.failing for the second failure in a row",
            "sessionKey", "its runs do not belong to that conversation",
            "wakeMode", "it runs at its time",
            "payload.model", "the agent's own model applies",
            "payload.fallbacks", "the agent's own model applies",
            "payload.thinking", "the agent's own setting applies",
            "payload.lightContext", "its runs read the whole workspace");

    private CronFields() {}

    /**
     * Tells every field that is not carried over. The values stay out, because some hold addresses with secrets.
     *
     * @param job a job of {@code openclaw cron list --json}
     * @param notes takes a sentence for each field
     */
    static void tellRest(JsonNode job, List<String> notes) {
        long stagger = job.path("schedule").path("staggerMs").asLong(0);
        if (stagger > 0) {
            notes.add("OpenClaw spread its starts over "
                    + Duration.ofMillis(stagger).toSeconds() + " s (staggerMs); the bus starts it at its time");
        }
        String delivery = job.path("delivery").path("mode").asText("none");
        if (!delivery.equals("none")) {
            notes.add("delivery (" + delivery + ") is not carried over; hand what people read to the publisher");
        }
        tell(job, "", READ, notes);
        tell(job.path("schedule"), "schedule.", READ_OF_SCHEDULE, notes);
        tell(job.path("payload"), "payload.", READ_OF_PAYLOAD, notes);
        tell(
                job.path("delivery"),
                "delivery.",
                Set.of("mode", "channel", "to", "threadId", "accountId", "bestEffort"),
                notes);
    }

    private static void tell(JsonNode object, String path, Set<String> read, List<String> notes) {
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            String name = path + field.getKey();
            boolean usual = name.equals("wakeMode") && field.getValue().asText().equals("now");
            boolean limit = name.equals("scheduledToolPolicy") || name.equals("payload.externalContentSource");
            if (!read.contains(field.getKey()) && !field.getValue().isNull() && !usual && !limit) {
                String instead = INSTEAD.get(name);
                notes.add(name + " is not carried over" + (instead == null ? "" : "; " + instead));
            }
        }
    }
}
