package agentbus.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the doors refuse of a proposal before a function sees it. */
class ProposalInputTest {
    private static final Contract CONTRACT = Contract.load();

    private ObjectNode read(String operation, String body) {
        return CONTRACT.operation(operation)
                .read(Map.of(), Map.of(), body.replace('\'', '"').getBytes(StandardCharsets.UTF_8), "application/json");
    }

    private Problem refused(String operation, String body) {
        return assertThrows(Problem.class, () -> read(operation, body));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "impactScore     | 0          | invalid_field",
                "impactScore     | 6          | invalid_field",
                "urgencyScore    | 2.5        | invalid_field",
                "confidenceScore | 'high'     | invalid_field",
                "reversibility   | 'maybe'    | invalid_field",
                "ownerCandidate  | 'Dev Ops'  | invalid_field",
                "status          | 'accepted' | unknown_field",
            })
    void a_score_out_of_range_or_a_word_that_is_none_is_refused(String field, String value, String code) {
        Problem problem = refused("createOpportunity", "{'theme':'t','title':'x','" + field + "':" + value + "}");

        assertEquals(400, problem.status());
        assertEquals(code, problem.code());
        assertEquals(field, problem.field());
    }

    @Test
    void a_body_of_200_kilobytes_is_refused_with_the_limit_and_one_with_markup_is_kept() {
        Problem tooLong = refused("createIdea", "{'theme':'t','title':'x','body':'" + "x".repeat(200_000) + "'}");

        assertEquals("invalid_field", tooLong.code());
        assertEquals("body", tooLong.field());
        assertTrue(tooLong.expected().contains("20000"), tooLong.expected());
        String markup = "<img src=x onerror=alert(1)> [[x]] {{y}}";
        assertEquals(
                markup,
                read("createIdea", "{'theme':'t','title':'x','body':'" + markup + "'}")
                        .get("body")
                        .asText());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'kind':'rumour','id':'0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10'                    | evidence[0].kind",
                "'kind':'job','id':'17'                                                         | evidence[0].id",
                "'kind':'url','url':'javascript:alert(1)','lookedAt':'2026-05-01T08:00:00Z'     | evidence[0].url",
                "'kind':'url','url':'https://a.example/x','lookedAt':'yesterday'                | evidence[0].lookedAt",
                "'kind':'url','url':'https://a.example/x','lookedAt':'2026-13-45T08:00:00Z'     | evidence[0].lookedAt",
            })
    void evidence_has_a_form(String entry, String field) {
        Problem problem = refused("createIdea", "{'theme':'t','title':'x','body':'b','evidence':[{" + entry + "}]}");

        assertEquals("invalid_field", problem.code());
        assertEquals(field, problem.field());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "body            | 102400 | 1200",
                "title           | 500    | 120",
                "evidence        | 102400 | 2000",
                "subjectKey      | 121    | 120",
            })
    void a_memory_candidate_of_100_kilobytes_is_refused_with_the_limit(String field, int length, String limit) {
        String tooLong = "'" + "x".repeat(length) + "'";

        Problem problem = refused(
                "createMemoryCandidate",
                "{'candidateKind':'lesson','scope':'service','confidenceScore':4,'sourceRefs':[{'kind':'job',"
                        + "'id':'0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10'}],"
                        + texts().entrySet().stream()
                                .map(e -> "'" + e.getKey() + "':" + (e.getKey().equals(field) ? tooLong : e.getValue()))
                                .collect(Collectors.joining(","))
                        + "}");

        assertEquals("invalid_field", problem.code());
        assertEquals(field, problem.field());
        assertTrue(problem.expected().contains(limit), problem.expected());
    }

    private static Map<String, String> texts() {
        return Map.of(
                "title", "'Restart the cache first'",
                "body", "'It keeps stale connections otherwise.'",
                "evidence", "'Seen twice.'",
                "subjectKey", "'web-1'");
    }
}
