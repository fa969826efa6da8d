package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The reports of the plugin on gateway {@code default}.
 *
 * @param bus takes the reports
 */
record GatewayReports(Machine bus) {
    /** The principal of a gateway. */
    static ObjectNode gateway(String name) {
        return Machine.json("kind", "gateway", "name", name);
    }

    /** The session key of an attempt's run. */
    static String session(Attempt attempt) {
        return "agent:devops:job:" + attempt.job();
    }

    /** Reports that an attempt's run has started. */
    JsonNode started(Attempt attempt) {
        return bus.call("report_run_start", gateway("default"), Machine.json("sessionKey", session(attempt)));
    }

    /** Reports that an attempt's run has ended. */
    JsonNode ended(Attempt attempt, boolean success, Object... more) {
        ObjectNode report = Machine.json(more);
        report.put("sessionKey", session(attempt)).put("success", success);
        return bus.call("report_run_end", gateway("default"), report);
    }

    /** Reports that the gateway has started. */
    JsonNode booted(String bootId, Object... more) {
        ObjectNode report = Machine.json(more);
        report.put("bootId", bootId).put("version", "2026.9.6");
        return bus.call("report_gateway_start", gateway("default"), report);
    }
}
