package agentbus.health;

import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Readiness by age: down when a periodic task last succeeded too long ago. */
public final class AgeCheck extends AbstractHealthCheck {
    private final String what;
    private final LongSupplier ageMs;
    private final long limitMs;

    /**
     * A check of one age.
     *
     * @param id the check's id at /observe/health
     * @param what the task's last success, as the subject of the message
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
        // A restart does not bring a database back; only readiness suffers.
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
