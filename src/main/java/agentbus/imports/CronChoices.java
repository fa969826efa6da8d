package agentbus.imports;

import java.util.Map;

/**
 * The caller's choices for an import.
 *
 * @param agents the agent of the fleet for an agent of OpenClaw
 * @param defaultAgent the agent for a cron that names none
 * @param zone the time zone for a schedule that names none; null when the caller has not chosen one
 * @param includeDisabled whether to import disabled crons, as comments
 * @param withoutLimits whether to import a cron without the limits that an order cannot have
 */
record CronChoices(
        Map<String, String> agents, String defaultAgent, String zone, boolean includeDisabled, boolean withoutLimits) {}
