package agentbus.health;

import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Readiness by recency: down when something that must happen again and again has not happened for too long. */
public final class AgeCheck extends AbstractHealthCheck {
    private final String what;
    private final LongSupplier ageMs;
    private final long limitMs;

    /**
     * A check of one age.
     *
     * @param id the check's id at /observe/health
     * @param what what must happen, for the message
     * @param ageMs milliseconds since it last did
     * @param limitMs more than this is down
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
