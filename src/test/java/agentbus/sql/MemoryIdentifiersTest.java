package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The forms of identifiers and subjects in which a job finds the memories about them. */
@ExtendWith(PostgresExtension.class)
class MemoryIdentifiersTest {
    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    private List<String> identifiers(String text) {
        String[] found = bus.jdbc()
                .queryForObject("select array_to_string(identifiers_of(?), ' ')", String.class, text)
                .split(" ");
        Arrays.sort(found);
        return List.of(found);
    }

    private List<String> titles(String payload) {
        return bus.jdbc()
                .queryForList(
                        "select title from memories_for_job('default', 'devops', 'infra.check',"
                                + " payload_text(?::jsonb), job_keys(?::jsonb, null, null, '{\"service\": \"service\"}'))"
                                + " order by rank",
                        String.class,
                        payload,
                        payload);
    }

    @ParameterizedTest
    @CsvSource({
        "ERR-CONN-42, err_conn_42",
        "err_conn_42, err_conn_42",
        "QUOTE_ZONE_UNMAPPED, quote_zone_unmapped",
        "QuoteZoneUnmapped, quote_zone_unmapped",
        "X-Request-Id, x_request_id",
        "version 20.11.1, 20_11_1 version_20_11_1",
        "HTTP 503: gone, http_503",
        "libheif 1.16, libheif_1_16",
        "sha256, sha256",
        "10.4.0.218, 10_4_0_218",
        "7c1d9e52-40aa-4c0e-9b1e-2f60d1f0a113, 7c1d9e52_40aa_4c0e_9b1e_2f60d1f0a113",
        "/var/crash/core.lz4, var_crash_core_lz4",
        "https://a.example/b, a_example_b",
        "nf.Zones.lookup(Zones.java:88), nf_zones_lookup zones_java_88"
    })
    void identifiers_of_every_form_have_one_spelling(String text, String expected) {
        assertEquals(List.of(expected.split(" ")), identifiers(text));
    }

    @ParameterizedTest
    @CsvSource({
        "up-to-date first-come",
        "99.8 % of 1250 on 3.11.2026 at 12:30",
        "2026-11-27T09:12:00+01:00",
        "27/Nov/2026:14:51:46",
        "November 2026",
        "e.g. at least 20"
    })
    void dates_numbers_and_words_joined_by_hyphens_are_no_identifiers(String text) {
        assertEquals(List.of(""), identifiers(text));
    }

    @Test
    void a_path_and_a_full_name_find_a_memory_about_their_folder_or_method() {
        rows.memory("scope", "global", "title", "Files in /var/crash can go", "body", "They are core dumps only.");
        rows.memory("scope", "global", "title", "Zones.lookup is slow at first", "body", "It reads everything then.");

        assertEquals(
                List.of("Files in /var/crash can go"),
                titles("{\"path\": \"/var/crash/x.1182.lz4\", \"ask\": \"delete it, it is a dump of core\"}"));
        assertEquals(
                List.of("Zones.lookup is slow at first"),
                titles("{\"stack\": \"at nf.quote.Zones.lookup(Zones.java:88)\"}"));
    }

    @Test
    void a_name_with_a_change_of_case_is_found_in_lower_case() {
        rows.memory(
                "scope", "global", "title", "GitHub tokens of OpenTofu expire in May", "body", "Renew them by hand.");

        assertEquals(1, titles("{\"log\": \"github answers 401 to opentofu\"}").size());
    }

    @ParameterizedTest
    @CsvSource({
        "application, payments-api",
        "system, Payments API",
        "target, payments_api",
        "server, payments-api.internal.example",
        "service, acme/payments-api",
        "service, payments-api:8443"
    })
    void a_subject_is_a_key_under_any_field_and_in_other_spellings(String field, String value) {
        rows.memory("subject_key", "payments-api", "title", "Drain before a restart", "body", "Charges were doubled.");

        assertEquals(
                List.of("Drain before a restart"),
                titles("{\"" + field + "\": \"" + value + "\", \"symptom\": \"people were billed two times\"}"));
    }

    @Test
    void a_job_that_names_no_service_gets_a_memory_that_says_enough_about_it() {
        rows.memory(
                "subject_key",
                "payments-api",
                "title",
                "Doubled captures follow a provider timeout",
                "body",
                "Send the order number as idempotency header.");
        String text = "Captures doubled again after the provider had a timeout";

        assertEquals(1, titles("{\"symptom\": \"" + text + "\"}").size());
        assertEquals(0, titles("{\"symptom\": \"the provider answers\"}").size());
        assertEquals(
                0,
                titles("{\"service\": \"orders-api\", \"symptom\": \"" + text + "\"}")
                        .size());
    }
}
