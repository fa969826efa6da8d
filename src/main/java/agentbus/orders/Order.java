package agentbus.orders;

import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.ZoneId;

/**
 * A standing order, as the route files define it. The route template {@code standing-order} explains each parameter.
 *
 * @param name the order's name, which is also its route's id
 * @param agent the agent that carries it out
 * @param cron the Quartz cron expression
 * @param zone the time zone of the expression
 * @param purpose one line for lists
 * @param instructions the agent's instructions
 * @param session {@code isolated} or {@code session:<name>}
 * @param catchUp {@code skip}, {@code latest} or {@code all}
 * @param catchUpCap the most late or held slots that may run
 * @param staggerSeconds the least time between two catch-up slots, in seconds
 * @param overlap {@code skip}, {@code coalesce} or {@code queue}
 * @param graceSeconds how late a slot may start and still count as on time, in seconds
 * @param timeoutSeconds the timeout of its jobs, in seconds; 0 for that of the agent or the job type
 * @param jobType {@code scheduled}, {@code proactive} or {@code idle}
 * @param priority the priority of its jobs, 1 to 1000
 * @param preCheck the name of a pre-check, or empty
 * @param startedBy {@code bus} or {@code external}
 * @param report the kind of report that its jobs get, or empty
 */
public record Order(
        String name,
        String agent,
        String cron,
        String zone,
        String purpose,
        String instructions,
        String session,
        String catchUp,
        int catchUpCap,
        int staggerSeconds,
        String overlap,
        int graceSeconds,
        int timeoutSeconds,
        String jobType,
        int priority,
        String preCheck,
        String startedBy,
        String report) {

    /**
     * Reads the order's schedule.
     *
     * @return the schedule
     * @throws IllegalArgumentException when the expression or the zone is invalid
     */
    public Schedule schedule() {
        return Schedule.of(cron, ZoneId.of(zone));
    }

    /**
     * The order in the form of {@code sync_standing_orders}.
     *
     * @return the order's fields by name, the schedule in words, and definitionHash, the SHA-256 of all fields
     */
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("name", name)
                .put("agent", agent)
                .put("cron", cron)
                .put("zone", zone)
                .put("purpose", purpose)
                .put("instructions", instructions)
                .put("session", session)
                .put("catchUp", catchUp)
                .put("catchUpCap", catchUpCap)
                .put("staggerSeconds", staggerSeconds)
                .put("overlap", overlap)
                .put("graceSeconds", graceSeconds)
                .put("timeoutSeconds", timeoutSeconds)
                .put("jobType", jobType)
                .put("priority", priority)
                .put("preCheck", preCheck)
                .put("startedBy", startedBy)
                .put("words", schedule().words());
        // Left out when empty, so that the hashes of all other orders stay as they were before there were reports.
        if (!report.isEmpty()) {
            json.put("report", report);
        }
        return json.put("definitionHash", Sha256.hex(json.toString()));
    }
}
