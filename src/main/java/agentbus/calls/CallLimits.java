package agentbus.calls;

import agentbus.contract.Problem;
import agentbus.health.Meters;
import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rate limits of the calls to one node. Each agent, attempt and viewer has a token bucket, which is checked before
 * any statement runs; operators, their sessions of the console and gateways have no limit, except for logins.
 *
 * <p>Wrong tokens are counted for each address, but a valid token passes from any address. Each node counts its own
 * calls.
 */
public final class CallLimits {
    private static final Logger LOG = LoggerFactory.getLogger(CallLimits.class);
    /**
     * Operators must be able to act in an emergency, also in the console. A gateway reports only runs that the bus has
     * started.
     */
    private static final Set<String> UNLIMITED = Set.of(Credentials.OPERATOR, Credentials.SESSION, Credentials.GATEWAY);

    private static final Set<String> PEOPLE =
            Set.of(Credentials.OPERATOR, Credentials.VIEWER, Credentials.SESSION, Credentials.VIEWER_SESSION);

    private static final Duration WINDOW = Duration.ofMinutes(1);
    /**
     * Chosen: far more than the attempts and addresses of one fleet. Above that the cache drops the least used entries.
     */
    private static final int MOST_KEPT = 100_000;
    /** Chosen: at the default rates, an unused bucket is full again after 5 s (calls) or a minute (wrong tokens). */
    private static final Duration KEPT = Duration.ofMinutes(10);
    /**
     * Chosen: an ordinary attempt sends less, so its calls need no statement that counts. The rest of a caller that the
     * cache drops is not counted.
     */
    private static final int COUNTED_FROM = 16_384;

    private final Credentials credentials;
    private final Rates rates;
    private final TimeMeter clock;
    private final Meters meters;
    private final Cache<String, Caller> callers = cache();
    private final Cache<String, Address> addresses = cache();
    /** Hashes of long-lived tokens that the database has accepted. */
    private final Cache<String, Boolean> known = cache();

    private final AtomicLong unsaid = new AtomicLong();
    private final AtomicLong saidAt;

    /**
     * The allowed rates.
     *
     * @param callsPerSecond calls per second of one agent or attempt, on average
     * @param burst calls of one agent or attempt at once, after a pause
     * @param badTokensPerMinute wrong tokens per minute from one address
     * @param bytesPerDay bytes that one agent may store within a day
     */
    public record Rates(int callsPerSecond, int burst, int badTokensPerMinute, int bytesPerDay) {}

    /**
     * The bucket of one agent or attempt, the number of its refused calls since the last report, the report's time, and
     * the bytes that the database has not counted yet.
     */
    private record Caller(Bucket bucket, AtomicLong refused, AtomicLong toldAt, AtomicLong uncounted) {}

    /**
     * The buckets of one address: one for wrong tokens, and one for look-ups of unknown tokens once the first is empty.
     */
    private record Address(Bucket wrong, Bucket lookUps) {}

    /**
     * Limits of one node.
     *
     * @param credentials reads the tokens
     * @param rates the allowed rates
     * @param clock the clock of the buckets
     * @param meters counts the refused calls
     */
    public CallLimits(Credentials credentials, Rates rates, TimeMeter clock, Meters meters) {
        this.credentials = credentials;
        this.rates = rates;
        this.clock = clock;
        this.meters = meters;
        this.saidAt = new AtomicLong(clock.currentTimeNanos() - WINDOW.toNanos());
    }

    /**
     * Identifies the caller. This is the first check of a call, and {@link #draw} is the second; nothing else is done
     * before them.
     *
     * @param authorization the Authorization header, or null
     * @param allowed the kinds of principal that the operation is for
     * @param address where the call comes from
     * @return the credential, in the form that the SQL function {@code principal_of} takes
     * @throws Problem 401 for a missing or malformed token, 429 {@code too_many_bad_tokens}
     */
    public ObjectNode identify(String authorization, List<String> allowed, String address) {
        return identified(() -> credentials.of(authorization, allowed), address);
    }

    /**
     * Identifies a caller whose token is an argument of the call; otherwise like {@link #identify}.
     *
     * @param token the token, or null
     * @param allowed the kinds of principal that the operation is for
     * @param address where the call comes from
     * @return the credential, in the form that the SQL function {@code principal_of} takes
     * @throws Problem 401 for a missing or malformed token, 429 {@code too_many_bad_tokens}
     */
    public ObjectNode identifyArgument(String token, List<String> allowed, String address) {
        return identified(() -> credentials.ofArgument(token, allowed), address);
    }

    /**
     * Identifies a caller by the cookie of a session; otherwise like {@link #identify}.
     *
     * @param cookie the cookie's value
     * @param allowed the kinds of principal that the operation is for
     * @param address where the call comes from
     * @return the credential, in the form that the SQL function {@code principal_of} takes
     * @throws Problem 401 for a foreign cookie, 429 {@code too_many_bad_tokens}
     */
    public ObjectNode identifySession(String cookie, List<String> allowed, String address) {
        return identified(() -> credentials.ofSession(cookie, allowed), address);
    }

    private ObjectNode identified(Supplier<ObjectNode> read, String address) {
        ObjectNode credential;
        try {
            credential = read.get();
        } catch (Problem refused) {
            throw refused.code().equals("invalid_token") ? wrongToken(address, refused) : refused;
        }
        if (isLookedUp(credential) && known.getIfPresent(key(credential)) == null) {
            requireLookUp(address);
        }
        return credential;
    }

    /**
     * Counts a call against the caller's rate. To be called once for each call.
     *
     * @param credential the result of {@link #identify}
     * @throws Problem 429 {@code too_many_calls}
     */
    public void draw(ObjectNode credential) {
        if (!UNLIMITED.contains(credential.path("form").asText())) {
            draw(caller(credential));
        }
    }

    /**
     * Counts a login against the rate of its token, also for an operator: each login writes rows. The calls of the new
     * session count against the same rate, so more sessions do not give a viewer more calls.
     *
     * @param credential the credential of the token
     * @param sessionHash the SHA-256 of the new cookie, in hex
     * @throws Problem 429 {@code too_many_calls}
     */
    public void drawLogin(ObjectNode credential, String sessionHash) {
        Caller caller = caller(credential);
        draw(caller);
        callers.put(sessionHash, caller);
    }

    private Caller caller(ObjectNode credential) {
        return callers.get(key(credential), unused -> newCaller());
    }

    private void draw(Caller caller) {
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
     * Records that the database has accepted the token of an admitted call.
     *
     * @param credential the result of {@link #identify}
     */
    public void known(ObjectNode credential) {
        String key = key(credential);
        if (isLookedUp(credential) && known.getIfPresent(key) == null) {
            known.put(key, true);
        }
    }

    /**
     * Records that the token of an admitted call belongs to no principal.
     *
     * @param credential the result of {@link #identify}
     * @param address where the call came from
     * @param refused the database's refusal
     * @return the problem to answer with: the same, or 429 after too many wrong tokens from the address
     */
    public Problem unknown(ObjectNode credential, String address, Problem refused) {
        // The HMAC of an attempt's token was verified, so nobody guessed the token; only the attempt's row is gone.
        if (!isLookedUp(credential)) {
            return refused;
        }
        known.invalidate(key(credential));
        // A session that is over was a right one; its page goes on to ask until it has noticed.
        return refused.code().equals("invalid_token") ? wrongToken(address, refused) : refused;
    }

    /**
     * The number of calls of an agent or attempt that {@link #draw} has refused since the last report. A number other
     * than 0 is returned at most once a minute, so that a caller over its limit leads to few records.
     *
     * @param credential the caller's credential
     * @return the number to report, or 0 if no report is due
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

    /**
     * Adds the bytes of a call to those that its caller has sent. Small calls are collected, so that few calls pay for
     * counting in the database, where the agent's limit holds for all nodes and all attempts.
     *
     * @param credential the caller's credential
     * @param bytes the size of the call's input
     * @return the bytes that this call has to count in the database; 0 for none
     */
    long toCount(ObjectNode credential, long bytes) {
        if (UNLIMITED.contains(credential.path("form").asText())) {
            return 0;
        }
        AtomicLong uncounted = caller(credential).uncounted();
        return uncounted.addAndGet(bytes) < COUNTED_FROM ? 0 : uncounted.getAndSet(0);
    }

    /**
     * Takes back bytes that a call was to count, because the call has failed.
     *
     * @param credential the caller's credential
     * @param bytes the bytes of earlier calls
     */
    void notCounted(ObjectNode credential, long bytes) {
        caller(credential).uncounted().addAndGet(bytes);
    }

    /** The bytes that one agent may store within a day. */
    int bytesPerDay() {
        return rates.bytesPerDay();
    }

    /** Whether a credential has the form of a person's: an operator, a viewer, or the session of one. */
    static boolean isPerson(ObjectNode credential) {
        return PEOPLE.contains(credential.path("form").asText());
    }

    /** Whether only the database knows whether a credential is a right one. */
    private static boolean isLookedUp(ObjectNode credential) {
        return credential.has("tokenHash") || credential.has("sessionHash");
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
                    "{} calls with a wrong token since the last report; the latest came from {}.",
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
                new AtomicLong(clock.currentTimeNanos() - WINDOW.toNanos()),
                new AtomicLong());
    }

    private Address newAddress() {
        int most = rates.badTokensPerMinute();
        return new Address(
                Bucket.builder()
                        .addLimit(limit -> limit.capacity(most).refillIntervally(most, WINDOW))
                        .withCustomTimePrecision(clock)
                        .build(),
                // The address may also send a valid token that is new to this node; only the database knows it.
                Bucket.builder()
                        .addLimit(limit -> limit.capacity(rates.callsPerSecond())
                                .refillGreedy(rates.callsPerSecond(), Duration.ofSeconds(1)))
                        .withCustomTimePrecision(clock)
                        .build());
    }

    private static String key(ObjectNode credential) {
        return Stream.of("attemptId", "tokenHash", "sessionHash")
                .map(credential::path)
                .filter(JsonNode::isTextual)
                .map(JsonNode::textValue)
                .findFirst()
                .orElse(null);
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
