package agentbus.health;

import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** A readiness check that is down when the last success of a periodic task is too long ago. */
public final class AgeCheck extends AbstractHealthCheck {
    private final String what;
    private final LongSupplier ageMs;
    private final long limitMs;

    /**
     * A check of one age.
     *
     * @param id the check's id at /observe/health
     * @param what the last success in words, such as "The last look at the queue"; the message begins with it
     * @param ageMs milliseconds since that success
     * @param limitMs the greatest age that is still up, in milliseconds
     */
    public AgeCheck(String id, String what, LongSupplier ageMs, long limitMs) {
        super("agentbus", id);
        this.what = what;
        this.ageMs = ageMs;
        this.limitMs = limitMs;
    }

    @Override
    public boolean isLiveness() {
        // Not a liveness check, because a restart of this node does not bring a database back.
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        long age = ageMs.getAsLong();
        builder.detail("ageMs", age).detail("limitMs", limitMs);
        if (age <= limitMs) {
            builder.up();
        } else {
            builder.message(what + " was " + age / 1000 + " s ago; it should be at most " + limitMs / 1000 + " s.")
                    .down();
        }
    }
}
