package agentbus.calls;

import agentbus.contract.Problem;
import agentbus.health.Meters;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How often one may knock at a door of this node. Agents and attempts have a token bucket each, looked at before any
 * statement runs; operators and gateways have none. Wrong tokens are counted by the address they come from, and a right one passes
 * whatever its address has done. Each node counts for itself.
 */
public final class CallLimits {
    private static final Logger LOG = LoggerFactory.getLogger(CallLimits.class);
    /** Operators step in when something is wrong; a gateway has as many runs to report as the bus has given it. */
    private static final Set<String> UNLIMITED = Set.of(Credentials.OPERATOR, Credentials.GATEWAY);

    private static final Duration WINDOW = Duration.ofMinutes(1);
    /** Far more than the attempts and addresses of one machine's fleet; past it the least used are forgotten. */
    private static final int MOST_KEPT = 100_000;
    /** A bucket that nobody has drawn from for so long is full again at any rate that may be set. */
    private static final Duration KEPT = Duration.ofMinutes(10);

    private final Credentials credentials;
    private final Rates rates;
    private final TimeMeter clock;
    private final Meters meters;
    private final Cache<String, Caller> callers = cache();
    private final Cache<String, Address> addresses = cache();
    /** Hashes of long-lived tokens that the database has let in. */
    private final Cache<String, Boolean> known = cache();

    private final AtomicLong unsaid = new AtomicLong();
    private final AtomicLong saidAt;

    /**
     * What is allowed.
     *
     * @param callsPerSecond calls of one agent or attempt, on average
     * @param burst calls of it at once after a pause
     * @param badTokensPerMinute wrong tokens from one address
     */
    public record Rates(int callsPerSecond, int burst, int badTokensPerMinute) {}

    /** What one agent or attempt has left, and how many of its calls were refused since that was last told. */
    private record Caller(Bucket bucket, AtomicLong refused, AtomicLong toldAt) {}

    /** How many wrong tokens an address has left, and how many unknown ones may be looked up when it has none. */
    private record Address(Bucket wrong, Bucket lookUps) {}

    /**
     * Limits of one node.
     *
     * @param credentials reads the tokens
     * @param rates what is allowed
     * @param clock tells the time
     * @param meters counts what is refused
     */
    public CallLimits(Credentials credentials, Rates rates, TimeMeter clock, Meters meters) {
        this.credentials = credentials;
        this.rates = rates;
        this.clock = clock;
        this.meters = meters;
        this.saidAt = new AtomicLong(clock.currentTimeNanos() - WINDOW.toNanos());
    }

    /**
     * Who calls. To be asked first; {@link #draw} comes next, and nothing is done for the call before both.
     *
     * @param authorization the Authorization header, or null
     * @param allowed the kinds of principal that the operation is for
     * @param address where the call comes from
     * @return the credential, as {@code principal_of} takes it
     * @throws Problem 401 for no token or a malformed one, 429 {@code too_many_bad_tokens}
     */
    public ObjectNode identify(String authorization, List<String> allowed, String address) {
        return identified(() -> credentials.of(authorization, allowed), address);
    }

    /**
     * Who calls, where the token is an argument; otherwise as {@link #identify}.
     *
     * @param token the token, or null
     * @param allowed the kinds of principal that the operation is for
     * @param address where the call comes from
     * @return the credential, as {@code principal_of} takes it
     * @throws Problem 401 for no token or a malformed one, 429 {@code too_many_bad_tokens}
     */
    public ObjectNode identifyArgument(String token, List<String> allowed, String address) {
        return identified(() -> credentials.ofArgument(token, allowed), address);
    }

    private ObjectNode identified(Supplier<ObjectNode> read, String address) {
        ObjectNode credential;
        try {
            credential = read.get();
        } catch (Problem refused) {
            throw refused.code().equals("invalid_token") ? wrongToken(address, refused) : refused;
        }
        if (credential.has("tokenHash") && known.getIfPresent(key(credential)) == null) {
            requireLookUp(address);
        }
        return credential;
    }

    /**
     * Counts a call against what its caller has left. Once for each call.
     *
     * @param credential what {@link #identify} returned
     * @throws Problem 429 {@code too_many_calls}
     */
    public void draw(ObjectNode credential) {
        if (UNLIMITED.contains(credential.path("form").asText())) {
            return;
        }
        Caller caller = callers.get(key(credential), unused -> newCaller());
        ConsumptionProbe probe = caller.bucket().tryConsumeAndReturnRemaining(1);
        if (!probe.isConsumed()) {
            caller.refused().incrementAndGet();
            meters.callLimited("too_many_calls");
            throw Problem.tooMany(
                    "too_many_calls",
                    "This token is used more often than " + rates.callsPerSecond()
                            + " times a second; nothing was changed.",
                    "at most " + rates.callsPerSecond() + " calls a second, " + rates.burst()
                            + " at once after a pause; wait for retryAfterSeconds",
                    seconds(probe.getNanosToWaitForRefill()));
        }
    }

    /**
     * To be told when an admitted call was not refused for its token.
     *
     * @param credential what {@link #identify} returned
     */
    public void known(ObjectNode credential) {
        String key = key(credential);
        if (credential.has("tokenHash") && known.getIfPresent(key) == null) {
            known.put(key, true);
        }
    }

    /**
     * To be told when nobody has the token of an admitted call.
     *
     * @param credential what {@link #identify} returned
     * @param address where the call came from
     * @param refused the database's refusal
     * @return what to answer: the same, or 429 when wrong tokens have come too often from there
     */
    public Problem unknown(ObjectNode credential, String address, Problem refused) {
        // An attempt's token was verified by its own seal: its row is gone, and nobody has guessed.
        if (!credential.has("tokenHash")) {
            return refused;
        }
        known.invalidate(key(credential));
        return wrongToken(address, refused);
    }

    /**
     * How many calls of an agent or attempt were refused for their number since this was last asked with success. An answer
     * other than 0 comes once a minute, so that what is written of a caller that hammers is little.
     *
     * @param credential the caller's credential
     * @return the number to tell, or 0 for nothing to tell now
     */
    long refusalsToTell(ObjectNode credential) {
        Caller caller = callers.getIfPresent(key(credential));
        if (caller == null) {
            return 0;
        }
        long now = clock.currentTimeNanos();
        long toldAt = caller.toldAt().get();
        return now - toldAt >= WINDOW.toNanos() && caller.toldAt().compareAndSet(toldAt, now)
                ? caller.refused().getAndSet(0)
                : 0;
    }

    /** Whether a credential is, by its form, an operator's. */
    static boolean isOperator(ObjectNode credential) {
        return credential.path("form").asText().equals(Credentials.OPERATOR);
    }

    private void requireLookUp(String from) {
        Address address = addresses.getIfPresent(from);
        if (address != null
                && address.wrong().getAvailableTokens() == 0
                && !address.lookUps().tryConsume(1)) {
            throw tooManyBadTokens();
        }
    }

    private Problem wrongToken(String from, Problem refused) {
        meters.badToken();
        say(from);
        Address address = addresses.get(from, unused -> newAddress());
        return address.wrong().tryConsume(1) ? refused : tooManyBadTokens();
    }

    private Problem tooManyBadTokens() {
        meters.callLimited("too_many_bad_tokens");
        return Problem.tooMany(
                "too_many_bad_tokens",
                "Too many calls with wrong tokens have come from this address.",
                "at most " + rates.badTokensPerMinute() + " wrong tokens a minute; a right one is let in at once",
                WINDOW.toSeconds());
    }

    private void say(String from) {
        unsaid.incrementAndGet();
        long now = clock.currentTimeNanos();
        long before = saidAt.get();
        if (now - before >= WINDOW.toNanos() && saidAt.compareAndSet(before, now)) {
            LOG.warn(
                    "{} calls with a wrong token since this was last said; the last came from {}.",
                    unsaid.getAndSet(0),
                    from);
        }
    }

    private Caller newCaller() {
        return new Caller(
                Bucket.builder()
                        .addLimit(limit -> limit.capacity(rates.burst())
                                .refillGreedy(rates.callsPerSecond(), Duration.ofSeconds(1)))
                        .withCustomTimePrecision(clock)
                        .build(),
                new AtomicLong(),
                new AtomicLong(clock.currentTimeNanos() - WINDOW.toNanos()));
    }

    private Address newAddress() {
        int most = rates.badTokensPerMinute();
        return new Address(
                Bucket.builder()
                        .addLimit(limit -> limit.capacity(most).refillIntervally(most, WINDOW))
                        .withCustomTimePrecision(clock)
                        .build(),
                // A right token that this node has not seen yet may come from there, too, and only the database knows
                // it.
                Bucket.builder()
                        .addLimit(limit -> limit.capacity(rates.callsPerSecond())
                                .refillGreedy(rates.callsPerSecond(), Duration.ofSeconds(1)))
                        .withCustomTimePrecision(clock)
                        .build());
    }

    private static String key(ObjectNode credential) {
        return credential.has("attemptId")
                ? credential.get("attemptId").textValue()
                : credential.path("tokenHash").textValue();
    }

    private static long seconds(long nanos) {
        return Math.max(1, TimeUnit.NANOSECONDS.toSeconds(nanos + TimeUnit.SECONDS.toNanos(1) - 1));
    }

    private static <T> Cache<String, T> cache() {
        return Caffeine.newBuilder()
                .maximumSize(MOST_KEPT)
                .expireAfterAccess(KEPT)
                .build();
    }
}
