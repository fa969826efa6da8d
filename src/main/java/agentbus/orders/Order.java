package agentbus.orders;

import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.ZoneId;

/**
 * One standing order as the route files have it. What each part means is said at the parameters of the route template
 * {@code standing-order}.
 *
 * @param name the order's name, its route's id
 * @param agent who has it
 * @param cron its Quartz expression
 * @param zone the expression's time zone
 * @param purpose one line for lists
 * @param instructions what the agent is told
 * @param session {@code isolated} or {@code session:<name>}
 * @param catchUp {@code skip}, {@code latest} or {@code all}
 * @param catchUpCap how many late or held slots may run
 * @param staggerSeconds between two catch-up runs, in seconds
 * @param overlap {@code skip}, {@code coalesce} or {@code queue}
 * @param graceSeconds how late is on time, in seconds
 * @param timeoutSeconds how long a run may be silent, in seconds; 0 as the agent or the job type has it
 * @param jobType {@code scheduled} or {@code proactive}
 * @param priority of its jobs, 1 to 1000
 * @param preCheck the name of a pre-check, or empty
 * @param startedBy {@code bus} or {@code external}
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
        String startedBy) {

    /**
     * When it is due.
     *
     * @return its schedule
     * @throws IllegalArgumentException when expression or zone are none
     */
    public Schedule schedule() {
        return Schedule.of(cron, ZoneId.of(zone));
    }

    /**
     * The order as {@code sync_standing_orders} takes it.
     *
     * @return its fields by their names, its schedule in words, and definitionHash, the SHA-256 of all fields
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
        return json.put("definitionHash", Sha256.hex(json.toString()));
    }
}
