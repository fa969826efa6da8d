package agentbus.imports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import agentbus.orders.Schedule;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.quartz.CronExpression;
import picocli.CommandLine.Model.CommandSpec;

class ImportOpenclawCronsTest {
    private static final Path CRONS = Path.of("src/test/resources/openclaw-crons.json");
    private static final String OUTPUT = "src/main/resources/routes/phase-1-spine/orders/imported.camel.yaml";

    @TempDir
    private Path home;

    private String out;
    private String err;

    private int run(String input, String... args) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ByteArrayOutputStream wrong = new ByteArrayOutputStream();
        PrintStream shown = new PrintStream(said, true, StandardCharsets.UTF_8);
        ByteArrayInputStream in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
        AgentbusCli cli = new AgentbusCli(
                Contract.load(),
                Map.of(
                        "import-openclaw-crons",
                        CommandSpec.forAnnotatedObject(new ImportOpenclawCronsCommand(in, shown, home))));
        List<String> all = new ArrayList<>(List.of("import-openclaw-crons"));
        all.addAll(List.of(args));
        int exit = cli.execute(
                all.toArray(String[]::new), in, shown, new PrintStream(wrong, true, StandardCharsets.UTF_8), Map.of());
        out = said.toString(StandardCharsets.UTF_8);
        err = wrong.toString(StandardCharsets.UTF_8);
        return exit;
    }

    private Map<String, Map<String, String>> written() throws Exception {
        Map<String, Map<String, String>> orders = new LinkedHashMap<>();
        JsonNode file = Json.YAML.readTree(Files.readAllBytes(home.resolve(OUTPUT)));
        for (JsonNode entry : file) {
            JsonNode route = entry.get("templatedRoute");
            assertEquals("standing-order", route.get("routeTemplateRef").asText());
            Map<String, String> parameters = new LinkedHashMap<>();
            route.get("parameters")
                    .forEach(each -> parameters.put(
                            each.get("name").asText(), each.get("value").asText()));
            orders.put(route.get("routeId").asText(), parameters);
        }
        return orders;
    }

    @Test
    void each_cron_becomes_an_order_or_is_left_out_with_the_reason() throws Exception {
        assertEquals(0, run("", CRONS.toAbsolutePath().toString()), err);

        Map<String, Map<String, String>> orders = written();
        assertEquals(
                List.of("morning-brief", "check", "check-2", "check-3", "openclaw-cron"), List.copyOf(orders.keySet()));
        Map<String, String> brief = orders.get("morning-brief");
        assertEquals("publisher", brief.get("agent"));
        assertEquals("Europe/Berlin", brief.get("zone"));
        assertEquals("What people read first.", brief.get("purpose"));
        assertEquals("Write the brief.\nThen stop.", brief.get("instructions"));
        assertEquals("600", brief.get("timeoutSeconds"));
        assertEquals("session:main", orders.get("check").get("session"));
        assertEquals("Use { {name} }.", orders.get("check").get("instructions"));
        assertEquals("0 0/10 * * * ?", orders.get("check").get("cron"));
        assertEquals("session:ops", orders.get("check-2").get("session"));
        for (Map<String, String> order : orders.values()) {
            assertTrue(CronExpression.isValidExpression(order.get("cron")), order.get("cron"));
        }
        for (String said : List.of(
                "once: left out",
                "it runs once, at 2026-12-01T00:00:00Z",
                "odd: left out",
                "which does not divide the minute, the hour or the day",
                "it is disabled; --include-disabled takes it over",
                "payload.kind is \"command\"",
                "schedule.expr \"61 * * * *\"",
                "model is not carried over",
                "delivery (announce) is not carried over",
                "which Unix takes as either: two orders now",
                "names no agent; given to coordinator",
                "5 standing orders written")) {
            assertTrue(out.contains(said), said + " is not in:\n" + out);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 7 * * 1-5   | 2026-11-27T23:00:00Z | 2026-11-30T07:00:00Z",
                "0 7 * * 0     | 2026-11-24T00:00:00Z | 2026-11-29T07:00:00Z",
                "0 7 * * 7     | 2026-11-24T00:00:00Z | 2026-11-29T07:00:00Z",
                "0 7 * * 0-7   | 2026-11-24T08:00:00Z | 2026-11-25T07:00:00Z",
                "0 7 * * 5-7   | 2026-11-27T08:00:00Z | 2026-11-28T07:00:00Z",
                "*/20 * * * *  | 2026-11-24T00:05:00Z | 2026-11-24T00:20:00Z",
                "0 0 1 */3 *   | 2026-11-24T00:00:00Z | 2027-01-01T00:00:00Z",
                "15 30 6 * * * | 2026-11-24T00:00:00Z | 2026-11-24T06:30:15Z"
            })
    void the_schedule_means_what_it_meant(String expression, String after, String next) throws Exception {
        String json = "[{\"id\":\"a\",\"name\":\"a\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"" + expression
                + "\",\"tz\":\"UTC\"},\"payload\":{\"kind\":\"agentTurn\",\"message\":\"m\"}}]";
        assertEquals(0, run(json, "-"), err);
        String cron = written().get("a").get("cron");
        assertEquals(
                next,
                Schedule.of(cron, ZoneId.of("UTC"))
                        .next(Instant.parse(after), 1)
                        .get(0)
                        .toString(),
                cron);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"kind\":\"cron\",\"expr\":\"0 0 31 2 *\",\"tz\":\"UTC\"} | x       | never comes again",
                "{\"kind\":\"every\",\"everyMs\":60000}                   | trigger | it runs on a condition"
            })
    void what_would_run_otherwise_than_it_did_is_left_out(String schedule, String field, String said) {
        String json = "[{\"id\":\"a\",\"name\":\"a\",\"schedule\":" + schedule + ",\"" + field
                + "\":{\"script\":\"x\"},\"payload\":{\"kind\":\"agentTurn\",\"message\":\"m\"}}]";
        assertEquals(0, run(json, "-"), err);
        assertTrue(out.contains("a: left out"), out);
        assertTrue(out.contains(said), out);
    }

    @Test
    void a_file_that_is_there_is_not_overwritten_unless_asked() throws Exception {
        String one = "{\"jobs\":[{\"id\":\"a\",\"name\":\"a\",\"schedule\":{\"kind\":\"every\",\"everyMs\":60000},"
                + "\"payload\":{\"kind\":\"agentTurn\",\"message\":\"m\"}}]}";
        assertEquals(0, run(one, "-"), err);
        String before = Files.readString(home.resolve(OUTPUT));
        assertEquals(1, run(one.replace("\"a\"", "\"b\""), "-"));
        assertTrue(err.contains("there is a file"), err);
        assertEquals(before, Files.readString(home.resolve(OUTPUT)));
        assertEquals(0, run(one.replace("\"a\"", "\"b\""), "-", "--force"), err);
        assertFalse(before.equals(Files.readString(home.resolve(OUTPUT))));
        assertEquals(0, run(one, "-", "--output", "-"), err);
        assertTrue(out.startsWith("# Standing orders imported"), out);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "no json        | is no JSON",
                "{}             | holds no list of crons",
                "[1]            | jobs[0] is no object",
                "{\"jobs\": {}} | holds no list of crons"
            })
    void what_is_no_list_of_crons_is_refused(String input, String said) {
        assertEquals(1, run(input, "-"));
        assertTrue(err.contains(said), err);
    }

    @Test
    void a_file_that_is_missing_or_without_crons_leaves_nothing_behind() {
        assertEquals(1, run("", "nowhere.json"));
        assertTrue(err.contains("nowhere.json cannot be read"), err);
        assertEquals(0, run("{\"jobs\":[]}", "-"), err);
        assertTrue(out.contains("Nothing to write."), out);
        assertFalse(Files.exists(home.resolve(OUTPUT)));
    }
}
