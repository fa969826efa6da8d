package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.dispatch.HookOutcome.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The outcome of each status and each exception. */
class HookOutcomeTest {
    @ParameterizedTest
    @CsvSource({
        "201, UNKNOWN",
        "202, UNKNOWN",
        "204, UNKNOWN",
        "206, UNKNOWN",
        "301, REFUSED",
        "302, REFUSED",
        "307, REFUSED",
        "400, REFUSED",
        "401, REFUSED",
        "403, REFUSED",
        "404, REFUSED",
        "405, REFUSED",
        "413, REFUSED",
        "422, REFUSED",
        "408, UNDELIVERED",
        "425, UNDELIVERED",
        "409, BUSY",
        "429, UNDELIVERED",
        "502, UNKNOWN",
        "503, UNDELIVERED",
        "500, UNKNOWN",
        "501, UNKNOWN",
        "504, UNKNOWN",
        "599, UNKNOWN"
    })
    void each_status_means_one_kind(int status, Kind kind) {
        HookOutcome outcome = HookOutcome.ofAnswer(status, "why", null);
        assertEquals(kind, outcome.kind());
        assertEquals("gateway answered " + status + ": why", outcome.reason());
        assertNull(outcome.runId());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "502 | <html><h1>502 Bad Gateway</h1><hr>nginx</html> | UNKNOWN",
                "502 | | UNKNOWN",
                "502 | {\"ok\":false,\"error\":\"hook agent run failed before entering the agent runner\"} | UNDELIVERED",
                "503 | upstream connect error or disconnect/reset before headers. reset reason: connection termination | UNKNOWN",
                "503 | <html><h1>503 Service Unavailable</h1>No server is available to handle this request.</html> | UNDELIVERED",
                "503 | {\"error\":{\"code\":\"gateway_unavailable\"}} | UNDELIVERED",
            })
    void an_error_of_a_proxy_that_may_have_passed_the_call_on_is_unknown(int status, String body, Kind kind) {
        assertEquals(kind, HookOutcome.ofAnswer(status, body, null).kind());
    }

    @Test
    void a_run_that_found_no_place_in_time_says_nothing_of_others() {
        String body =
                "{\"ok\":false,\"error\":\"hook agent run did not start before admission timeout\",\"runId\":\"r-1\"}";

        assertEquals(Kind.BUSY, HookOutcome.ofAnswer(503, body, null).kind());
    }

    @Test
    void an_admission_tells_the_run_and_has_no_reason() {
        assertEquals(
                new HookOutcome(Kind.ADMITTED, null, "r-1", null),
                HookOutcome.ofAnswer(200, "{\"ok\":true,\"runId\":\"r-1\",\"more\":[1]}", null));
    }

    @Test
    void an_admission_need_not_tell_the_run() {
        assertEquals(
                new HookOutcome(Kind.ADMITTED, null, null, null), HookOutcome.ofAnswer(200, "{\"ok\":true}", null));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{\"ok\":false}", "[]", "true", "<html>It works!</html>", "It works!"})
    void a_200_that_no_gateway_gives_is_refused(String body) {
        HookOutcome outcome = HookOutcome.ofAnswer(200, body, null);
        assertEquals(Kind.REFUSED, outcome.kind());
        assertTrue(outcome.reason().contains("is this the gateway's address?"), outcome.reason());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "200 | ''",
                "200 | {}",
                "200 | {\"ok\":",
                "200 | {\"runId\":\"r-1\"}",
                "202 | {\"runId\":\"r-1\"}",
                "202 | <html>Accepted</html>",
                "307 | {\"ok\":true,\"runId\":\"r-1\"}",
                "404 | {\"ok\":true,\"runId\":\"r-1\"}",
                "409 | {\"ok\":true,\"runId\":\"r-1\"}",
                "503 | {\"ok\":true,\"runId\":\"r-1\"}"
            })
    void an_answer_that_may_stand_for_an_admission_is_never_taken_for_not_started(int status, String body) {
        assertEquals(Kind.UNKNOWN, HookOutcome.ofAnswer(status, body, null).kind());
    }

    @Test
    void a_200_without_a_body_may_have_lost_it() {
        assertEquals(Kind.UNKNOWN, HookOutcome.ofAnswer(200, null, null).kind());
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 202})
    void a_success_that_says_ok_admits_the_run_whatever_its_number(int status) {
        assertEquals(
                new HookOutcome(Kind.ADMITTED, null, "r-1", null),
                HookOutcome.ofAnswer(status, "{\"ok\":true,\"runId\":\"r-1\"}", null));
    }

    @Test
    void the_id_of_a_run_can_always_be_stored() {
        String runId = "r\\u0000\\ud83d" + "x".repeat(500);
        HookOutcome outcome = HookOutcome.ofAnswer(200, "{\"ok\":true,\"runId\":\"" + runId + "\"}", null);

        assertTrue(outcome.runId().startsWith("r\ufffd\ufffdx"), outcome.runId());
        assertEquals(200, outcome.runId().length());
    }

    @Test
    void a_reason_is_cut_at_a_whole_character() {
        String reason = HookOutcome.brief("a".repeat(499) + "\ud83d\ude00 and more");

        assertEquals("a".repeat(499) + "…", reason);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "null",
            value = {
                "1, 1",
                "60, 60",
                "0, 0",
                "null, null",
                "'', null",
                "-1, null",
                "1.5, null",
                "9999999, null",
                "'Fri, 01 Jan 2027 00:00:00 GMT', null"
            })
    void retry_after_is_taken_in_seconds_only(String header, Integer seconds) {
        assertEquals(seconds, HookOutcome.ofAnswer(503, "", header).retryAfterSeconds());
        assertEquals(seconds, HookOutcome.ofAnswer(429, "", header).retryAfterSeconds());
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new ConnectException("refused"), Kind.UNDELIVERED),
                Arguments.of(new ConnectTimeoutException("connect"), Kind.UNDELIVERED),
                Arguments.of(new ConnectionRequestTimeoutException("pool"), Kind.UNDELIVERED),
                Arguments.of(new UnknownHostException("gateway"), Kind.UNDELIVERED),
                Arguments.of(new NoRouteToHostException("no route"), Kind.UNDELIVERED),
                Arguments.of(new SSLHandshakeException("certificate"), Kind.UNDELIVERED),
                Arguments.of(new SocketTimeoutException("Read timed out"), Kind.UNKNOWN),
                Arguments.of(new NoHttpResponseException("no response"), Kind.UNKNOWN),
                Arguments.of(new SocketException("Connection reset"), Kind.UNKNOWN),
                Arguments.of(new SSLException("closed"), Kind.UNKNOWN),
                Arguments.of(new IOException("whatever"), Kind.UNKNOWN),
                Arguments.of(new IllegalStateException((String) null), Kind.UNKNOWN));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void only_a_request_that_was_never_sent_is_undelivered(Exception failure, Kind kind) {
        HookOutcome outcome = HookOutcome.ofFailure(failure);
        assertEquals(kind, outcome.kind());
        assertTrue(outcome.reason().contains(failure.getClass().getSimpleName()), outcome.reason());
    }

    @Test
    void a_reason_is_one_short_line() {
        String reason = HookOutcome.ofAnswer(400, "  a\r\n\tb\u0000c" + "x".repeat(10_000), null)
                .reason();
        assertTrue(reason.startsWith("gateway answered 400: a b c"), reason);
        assertTrue(reason.length() < 600);
        assertFalse(reason.chars().anyMatch(c -> c < ' '));
    }
}
