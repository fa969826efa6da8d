package agentbus.calls;

import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which refused calls are kept in the database: those of agents and attempts that a rule or a state stood against. */
public final class Refusals {
    /**
     * Not 400, 405 and 415: a call of the wrong form is a slip of the pen, shown to the caller and forgotten. Not 401: there
     * is nobody to note it of.
     */
    private static final Set<Integer> NOTED = Set.of(403, 404, 409, 413, 422, 429);

    private final CallLimits limits;

    /**
     * Refusals of one node.
     *
     * @param limits knows how many calls were refused for their number
     */
    public Refusals(CallLimits limits) {
        this.limits = limits;
    }

    /**
     * What to keep of a refused call.
     *
     * @param credential the caller's credential, or null when the call was refused before it was known
     * @param operation the operation's id, or none
     * @param problem the refusal
     * @return the parameters of {@code sql/statements/note-refusal/note-refusal.sql}, or empty when nothing is to be kept
     */
    public Optional<Map<String, Object>> note(ObjectNode credential, String operation, Problem problem) {
        if (credential == null || CallLimits.isOperator(credential) || !NOTED.contains(problem.status())) {
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
