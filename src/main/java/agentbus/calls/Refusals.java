package agentbus.calls;

import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Selects the refused calls that are recorded in the database: calls that a rule or a state forbids, except those of
 * people.
 */
public final class Refusals {
    /**
     * The statuses of recorded refusals. A malformed call (400, 405, 415) is reported to the caller only, and a call
     * without a valid token (401) has no principal to record.
     */
    private static final Set<Integer> NOTED = Set.of(403, 404, 409, 413, 422, 429);

    private final CallLimits limits;

    /**
     * Refusals of one node.
     *
     * @param limits counts the calls over the rate limit
     */
    public Refusals(CallLimits limits) {
        this.limits = limits;
    }

    /**
     * Makes the record of a refused call.
     *
     * @param credential the caller's credential, or null when the call was refused before it was known
     * @param operation the operation's id, or {@code none}
     * @param problem the refusal
     * @return the parameters of {@code sql/statements/note-refusal/note-refusal.sql}, or empty when nothing is to be
     *     recorded
     */
    public Optional<Map<String, Object>> note(ObjectNode credential, String operation, Problem problem) {
        if (credential == null || CallLimits.isPerson(credential) || !NOTED.contains(problem.status())) {
            return Optional.empty();
        }
        ObjectNode kept = problem.toJson();
        if (problem.code().equals("too_many_calls")) {
            long count = limits.refusalsToTell(credential);
            if (count == 0) {
                return Optional.empty();
            }
            kept.put("count", count);
        }
        return Optional.of(Map.of("who", credential.toString(), "operation", operation, "problem", kept.toString()));
    }
}
