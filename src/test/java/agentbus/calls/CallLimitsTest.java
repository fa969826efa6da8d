package agentbus.calls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Problem;
import agentbus.harness.LogCapture;
import agentbus.health.Meters;
import agentbus.settings.ServerKey;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The limits of calls and wrong tokens, with a clock that the test advances. */
class CallLimitsTest {
    private static final List<String> EVERY_KIND = List.of("operator", "agent", "attempt");
    private static final String HERE = "127.0.0.1";
    private static final String ELSEWHERE = "127.0.0.2";

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Clock clock = new Clock();

    @TempDir
    Path home;

    private ServerKey key;
    private CallLimits limits;
    private Refusals refusals;

    private static final class Clock implements TimeMeter {
        private long nanos = 1;

        void goOn(Duration time) {
            nanos += time.toNanos();
        }

        @Override
        public long currentTimeNanos() {
            return nanos;
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    }

    @BeforeEach
    void open() {
        key = ServerKey.load(home, Map.of());
        limits = new CallLimits(
                new Credentials(key), new CallLimits.Rates(10, 30, 20, 268_435_456), clock, new Meters(registry));
        refusals = new Refusals(limits);
    }

    private String attemptToken() {
        return "Bearer " + key.attemptToken(UUID.randomUUID());
    }

    private ObjectNode admit(String authorization) {
        ObjectNode credential = limits.identify(authorization, EVERY_KIND, HERE);
        limits.draw(credential);
        return credential;
    }

    private Problem refused(String authorization) {
        return assertThrows(Problem.class, () -> admit(authorization));
    }

    private Problem wrong(String address) {
        return assertThrows(Problem.class, () -> limits.identify("Bearer abt_wrong", EVERY_KIND, address));
    }

    @Test
    void a_caller_has_a_burst_and_then_a_rate() {
        String hammering = attemptToken();
        String other = attemptToken();
        for (int i = 0; i < 30; i++) {
            admit(hammering);
        }

        Problem problem = refused(hammering);
        assertEquals("429 too_many_calls", problem.status() + " " + problem.code());
        assertEquals(1, problem.retryAfterSeconds());
        assertEquals(1, problem.toJson().get("retryAfterSeconds").asInt());
        admit(other);

        clock.goOn(Duration.ofMillis(100));
        admit(hammering);
        refused(hammering);
        assertEquals(
                2,
                registry.counter("agentbus.calls.limited", "reason", "too_many_calls")
                        .count());
    }

    @Test
    void a_viewer_has_one_rate_for_the_token_its_logins_and_all_its_sessions_and_an_operator_one_for_logins() {
        List<String> people = List.of("operator", "viewer");
        ObjectNode viewer = limits.identifyArgument("abv_looks", people, HERE);
        String cookie = login(viewer);
        String second = login(viewer);
        assertTrue(cookie.startsWith("abw_"), "the form says whose session it is");
        for (int i = 0; i < 14; i++) {
            limits.draw(limits.identifySession(cookie, people, HERE));
            limits.draw(limits.identifySession(second, people, HERE));
        }

        for (String session : List.of(cookie, second)) {
            ObjectNode credential = limits.identifySession(session, people, HERE);
            assertEquals(
                    "too_many_calls",
                    assertThrows(Problem.class, () -> limits.draw(credential)).code());
        }
        assertThrows(Problem.class, () -> limits.draw(viewer));
        assertThrows(Problem.class, () -> login(viewer));

        ObjectNode operator = limits.identifyArgument("abo_person", people, HERE);
        String own = login(operator);
        for (int i = 0; i < 29; i++) {
            login(operator);
        }
        assertEquals(429, assertThrows(Problem.class, () -> login(operator)).status());
        for (int i = 0; i < 100; i++) {
            limits.draw(operator);
            limits.draw(limits.identifySession(own, people, HERE));
        }
    }

    private String login(ObjectNode credential) {
        String cookie = Credentials.newSession(credential);
        limits.drawLogin(credential, Sha256.hex(cookie));
        return cookie;
    }

    @Test
    void small_calls_are_counted_together_and_those_of_an_operator_not_at_all() {
        ObjectNode agent = admit("Bearer aba_one");
        ObjectNode operator = admit("Bearer abo_person");

        assertEquals(0, limits.toCount(agent, 10_000));
        assertEquals(20_000, limits.toCount(agent, 10_000));
        assertEquals(0, limits.toCount(agent, 10_000));
        assertEquals(0, limits.toCount(admit(attemptToken()), 10_000));
        limits.notCounted(agent, 5_000);
        assertEquals(16_500, limits.toCount(agent, 1_500));
        assertEquals(0, limits.toCount(operator, 1_000_000));
    }

    @Test
    void an_agents_token_is_limited_and_an_operators_is_not() {
        for (int i = 0; i < 30; i++) {
            admit("Bearer aba_one");
        }
        assertEquals("too_many_calls", refused("Bearer aba_one").code());
        for (int i = 0; i < 1000; i++) {
            admit("Bearer abo_person");
        }
    }

    @Test
    void further_wrong_tokens_of_an_address_are_put_off_and_a_right_one_passes() {
        String right = attemptToken();
        for (int i = 0; i < 20; i++) {
            assertEquals("invalid_token", wrong(HERE).code());
        }

        Problem problem = wrong(HERE);
        assertEquals("429 too_many_bad_tokens", problem.status() + " " + problem.code());
        assertEquals(60, problem.retryAfterSeconds());
        assertEquals("invalid_token", wrong(ELSEWHERE).code());
        admit(right);
        assertEquals("missing_token", refused(null).code(), "a call without a token is no guess");

        clock.goOn(Duration.ofSeconds(61));
        assertEquals("invalid_token", wrong(HERE).code());
    }

    @Test
    void a_token_that_only_the_database_can_tell_counts_when_it_was_told_wrong() {
        Problem unknown = Problem.of(401, "invalid_token", "not known here");
        for (int i = 0; i < 20; i++) {
            assertEquals(
                    401,
                    limits.unknown(admit("Bearer abo_wrong" + i), HERE, unknown).status());
        }
        assertEquals(
                429, limits.unknown(admit("Bearer abo_wrong"), HERE, unknown).status());

        ObjectNode attempt = admit(attemptToken());
        assertEquals(401, limits.unknown(attempt, HERE, unknown).status(), "a token with a valid seal is no guess");
    }

    @Test
    void unknown_tokens_from_an_address_without_credit_are_looked_up_at_a_rate_and_known_ones_always() {
        limits.known(admit("Bearer abo_known"));
        for (int i = 0; i < 20; i++) {
            wrong(HERE);
        }
        for (int i = 0; i < 10; i++) {
            admit("Bearer abo_guess" + i);
        }

        assertEquals("too_many_bad_tokens", refused("Bearer abo_right-but-new").code());
        for (int i = 0; i < 100; i++) {
            admit("Bearer abo_known");
        }
        clock.goOn(Duration.ofMillis(100));
        admit("Bearer abo_right-but-new");
    }

    @Test
    void a_caller_that_hammers_is_told_of_once_a_minute_with_the_number() {
        String hammering = attemptToken();
        ObjectNode credential = admit(hammering);
        for (int i = 1; i < 30; i++) {
            admit(hammering);
        }

        Problem first = refused(hammering);
        assertTrue(refusals.note(credential, "getJob", first)
                .orElseThrow()
                .get("problem")
                .toString()
                .contains("\"count\":1"));
        for (int i = 0; i < 500; i++) {
            assertTrue(refusals.note(credential, "getJob", refused(hammering)).isEmpty());
        }
        clock.goOn(Duration.ofMinutes(1));
        for (int i = 0; i < 30; i++) {
            admit(hammering);
        }
        Problem later = refused(hammering);
        assertTrue(refusals.note(credential, "getJob", later)
                .orElseThrow()
                .get("problem")
                .toString()
                .contains("\"count\":501"));
    }

    @Test
    void slips_of_form_and_calls_of_operators_are_not_kept() {
        ObjectNode attempt = admit(attemptToken());
        for (int status : List.of(400, 401, 405, 415, 500, 503)) {
            assertTrue(refusals.note(attempt, "getJob", Problem.of(status, "c", "d"))
                    .isEmpty());
        }
        for (int status : List.of(403, 404, 409, 413, 422)) {
            assertTrue(refusals.note(attempt, "getJob", Problem.of(status, "c", "d"))
                    .isPresent());
        }
        assertTrue(refusals.note(admit("Bearer abo_x"), "getJob", Problem.of(403, "c", "d"))
                .isEmpty());
        assertTrue(refusals.note(null, "getJob", Problem.of(403, "c", "d")).isEmpty());
    }

    @Test
    void wrong_tokens_are_said_in_the_log_once_a_minute_without_the_token() {
        try (LogCapture log = new LogCapture()) {
            for (int i = 0; i < 15; i++) {
                wrong(HERE);
            }
            clock.goOn(Duration.ofMinutes(2));
            wrong(ELSEWHERE);

            List<String> said = log.lines().stream()
                    .filter(line -> line.contains("wrong token"))
                    .toList();
            assertEquals(2, said.size(), said.toString());
            assertTrue(said.get(1).contains("15 calls with a wrong token")
                    && said.get(1).contains(ELSEWHERE));
        }
        assertEquals(16, registry.counter("agentbus.bad.tokens").count());
    }
}
