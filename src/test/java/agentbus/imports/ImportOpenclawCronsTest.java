package agentbus.imports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.cli.AddedCommand;
import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import agentbus.start.InstalledRoutes;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.quartz.CronExpression;

class ImportOpenclawCronsTest {
    private static final Contract CONTRACT = Contract.load();
    private static final Path CRONS = Path.of("src/test/resources/openclaw-crons.json");
    private static final String OUTPUT = "routes/openclaw-crons.camel.yaml";

    private static final Map<String, String> ENVIRONMENT =
            Map.of("AGENTBUS_AGENTS_DIR", Path.of("agents").toAbsolutePath().toString());

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
                CONTRACT,
                Map.of(
                        "import-openclaw-crons",
                        AddedCommand.annotated(
                                ImportOpenclawCronsCommand.SUMMARY,
                                () -> new ImportOpenclawCronsCommand(
                                        in, shown, () -> new InstalledRoutes(home, ENVIRONMENT)))));
        List<String> all = new ArrayList<>(List.of("import-openclaw-crons"));
        all.addAll(List.of(args));
        int exit = cli.execute(
                all.toArray(String[]::new), in, shown, new PrintStream(wrong, true, StandardCharsets.UTF_8), Map.of());
        out = said.toString(StandardCharsets.UTF_8);
        err = wrong.toString(StandardCharsets.UTF_8);
        return exit;
    }

    private Map<String, Map<String, String>> written() throws Exception {
        return orders(Files.readString(home.resolve(OUTPUT)));
    }

    private static Map<String, Map<String, String>> orders(String text) throws Exception {
        Map<String, Map<String, String>> orders = new LinkedHashMap<>();
        JsonNode file = Json.yaml().readTree(text);
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
        assertEquals("UTC", orders.get("check").get("zone"));
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
                "which does not divide the minute, the hour, the day or the week",
                "it is disabled; --include-disabled writes its order as a comment",
                "payload.kind is \"command\"",
                "schedule.expr is \"61 * * * *\"",
                "model is not carried over",
                "delivery (announce) is not carried over",
                "ran on either: two orders now",
                "names no agent; given to coordinator",
                "5 standing orders written")) {
            assertTrue(out.contains(said), said + " is not in:\n" + out);
        }
    }

    @Test
    void it_names_the_command_that_switches_each_imported_cron_off_and_no_other() throws Exception {
        assertEquals(0, run("", CRONS.toAbsolutePath().toString(), "--include-disabled"), err);
        assertEquals(
                List.of("c-1", "c-2", "c-3", "c-8"),
                out.lines()
                        .filter(line -> line.startsWith("  openclaw cron disable "))
                        .map(line -> line.substring("  openclaw cron disable ".length()))
                        .toList());

        assertEquals(0, run(cron("id: \"it's; reboot\""), "-", "--force"), err);
        assertTrue(out.contains("  openclaw cron disable 'it'\\''s; reboot'\n"), out);
        assertEquals(0, run(cron("enabled: false"), "-", "--force", "--include-disabled"), err);
        assertFalse(out.contains("openclaw cron disable"), out);
    }

    /** One cron with the fields of a usual one; further fields, in YAML, override them. */
    private static String cron(String... fields) throws Exception {
        ObjectNode cron = (ObjectNode) Json.yaml()
                .readTree("{id: a-1, name: a, enabled: true, schedule: {kind: cron, expr: 0 9 * * *, tz: UTC},"
                        + " sessionTarget: isolated, wakeMode: now, payload: {kind: agentTurn, message: Look.}}");
        for (String field : fields) {
            cron.setAll((ObjectNode) Json.yaml().readTree(field));
        }
        return Json.text(Map.of("jobs", List.of(cron)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "schedule: {kind: cron, expr: 0 0 31 2 *, tz: UTC}           | never comes again",
                "schedule: {kind: cron, expr: 0 9 15 * +1, tz: UTC}          | which no Quartz expression can say",
                "schedule: {kind: cron, expr: '0 9 L,15 * *', tz: UTC}       | L or W alone",
                "schedule: {kind: cron, expr: '0 9 * * 1,5#2', tz: UTC}      | one day with # or L",
                "schedule: {kind: cron, expr: 0 9 * * *, tz: Mars/Phobos}    | schedule.tz is \"Mars/Phobos\"",
                "schedule: {kind: cron, expr: 0 9 * * *, tz: '+05:30'}       | an offset of whole hours",
                "schedule: {kind: on-exit, command: make}                    | schedule.kind is \"on-exit\"",
                "schedule: {kind: stream, command: [tail]}                   | schedule.kind is \"stream\"",
                "trigger: {script: x}                                        | it runs on a condition",
                "payload: {kind: heartbeat}                                  | payload.kind is \"heartbeat\"",
                "payload: {kind: script, script: x}                          | payload.kind is \"script\"",
                "payload: {kind: agentTurn, message: m, toolsAllow: [read, exec]} | only the tools read, exec",
                "payload: {kind: agentTurn, message: m, toolsAllow: []}      | only the tools of an empty list",
                "payload: {kind: agentTurn, message: m, externalContentSource: {kind: hook}} | text from outside",
                "scheduledToolPolicy: {version: 1, mode: account}            | only what its creator may use",
                "declarationKey: 'memory-core:memory-dreaming-promotion'     | OpenClaw's own cron"
            })
    void a_cron_whose_order_would_do_otherwise_is_left_out(String field, String said) throws Exception {
        assertEquals(1, run(cron(field), "-"), out);
        assertTrue(out.contains("a: left out"), out);
        assertTrue(out.contains(said), out);
        assertTrue(out.contains("Nothing to write."), out);
        assertFalse(Files.exists(home.resolve(OUTPUT)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pacing: {min: 15m}",
                "failureAlert: {after: 3}",
                "failureAlert: false",
                "sessionKey: agent:main:telegram:direct:4711",
                "deleteAfterRun: true",
                "wakeMode: next-heartbeat",
                "owner: {agentId: main}",
                "declarationKey: mine",
                "somethingNew: {x: 1}",
                "schedule: {kind: cron, expr: 0 9 * * *, tz: UTC, staggerMs: 300000}",
                "schedule: {kind: cron, expr: 0 9 * * *, tz: UTC, jitter: 300000}",
                "schedule: {kind: cron, expr: '0 9 ? * MON', tz: UTC}",
                "payload: {kind: agentTurn, message: m, model: x/y}",
                "payload: {kind: agentTurn, message: m, fallbacks: []}",
                "payload: {kind: agentTurn, message: m, lightContext: true}",
                "payload: {kind: agentTurn, message: m, timeoutSeconds: 0}",
                "payload: {kind: agentTurn, message: m, timeoutSeconds: 100000}",
                "payload: {kind: agentTurn, message: m, timeoutSeconds: 90.5}",
                "delivery: {mode: webhook, to: 'https://example.org/secret'}",
                "delivery: {mode: none, failureDestination: {to: 'https://example.org/secret'}}"
            })
    void a_field_that_is_not_carried_over_is_told_without_its_addresses(String field) throws Exception {
        assertEquals(0, run(cron(), "-"), err);
        String plain = out;
        assertEquals(0, run(cron(field), "-", "--force"), err);
        assertTrue(out.lines().count() > plain.lines().count(), out);
        assertFalse(out.contains("secret"), out);
        String note = out.lines().toList().get(1).strip();
        assertTrue(Files.readString(home.resolve(OUTPUT)).contains("#   " + note), note);
    }

    @Test
    void fields_that_only_report_what_happened_are_not_told() throws Exception {
        assertEquals(
                0,
                run(
                        cron(
                                "{state: {lastRunAtMs: 1}, scheduledToolPolicy: {version: 1, mode: trusted}, status: ok, lastRunStatus: ok, configRevision: x, nextRunAtMs: 2,"
                                        + " createdAtMs: 1, updatedAtMs: 1, delivery: {mode: none}, effectiveAgentId: devops,"
                                        + " payload: {kind: agentTurn, message: m, toolsAllow: ['*'], toolsAllowIsDefault: true}}"),
                        "-"));
        assertEquals("a: a", out.lines().findFirst().orElse(""));
        assertTrue(out.lines().toList().get(1).startsWith("1 standing orders written"), out);
        assertEquals("devops", written().get("a").get("agent"));
    }

    @Test
    void a_limit_is_dropped_only_when_asked_for_and_told() throws Exception {
        String limited = cron("payload: {kind: agentTurn, message: m, toolsAllow: [read, exec]}");
        assertEquals(0, run(limited, "-", "--without-limits"), err);
        assertTrue(out.contains("it could use only the tools read, exec (toolsAllow); its order has all tools"), out);
        assertEquals(1, written().size());
    }

    @ParameterizedTest
    @CsvSource({
        "+08:00, Etc/GMT-8",
        "-03:00, Etc/GMT+3",
        "UTC+2, Etc/GMT-2",
        "Z, UTC",
        "europe/berlin, Europe/Berlin",
        "EST, Etc/GMT+5"
    })
    void an_offset_or_a_name_in_another_case_is_the_same_zone(String given, String zone) throws Exception {
        assertEquals(0, run(cron("schedule: {kind: cron, expr: 0 9 * * *, tz: '" + given + "'}"), "-"), err);
        assertEquals(zone, written().get("a").get("zone"));
        assertTrue(out.contains("its time zone " + given + " is written as " + zone), out);
    }

    @Test
    void what_only_the_caller_knows_is_asked_for_at_once() throws Exception {
        String cron = cron("{agentId: main, schedule: {kind: cron, expr: 0 9 * * *}}");
        assertEquals(1, run(cron, "-"));
        assertTrue(err.contains("--map-agent main=<agent>"), err);
        assertTrue(err.contains("the schedule of a names no time zone"), err);
        assertTrue(err.contains("--zone <zone>"), err);
        assertFalse(Files.exists(home.resolve(OUTPUT)));

        assertEquals(0, run(cron, "-", "--map-agent", "main=devops", "--zone", "Asia/Tokyo"), err);
        assertTrue(out.contains("it ran as main; now it runs as devops"), out);
        assertTrue(out.contains("it names no time zone; taken as Asia/Tokyo"), out);
        assertEquals("devops", written().get("a").get("agent"));
        assertEquals("Asia/Tokyo", written().get("a").get("zone"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--map-agent main=devopps | --map-agent names devopps, which is no agent of the fleet; did you mean devops?",
                "--default-agent main     | --default-agent names main, which is no agent of the fleet",
                "--zone Mars/Phobos       | --zone is Mars/Phobos, which is no time zone"
            })
    void a_wrong_choice_is_refused_with_what_would_be_right(String option, String said) throws Exception {
        List<String> args = new ArrayList<>(List.of("-"));
        args.addAll(List.of(option.split(" ")));
        assertEquals(1, run(cron(), args.toArray(String[]::new)));
        assertTrue(err.contains(said), err);
    }

    @Test
    void an_order_never_takes_a_name_in_use() throws Exception {
        Files.createDirectories(home.resolve("routes"));
        Files.writeString(
                home.resolve("routes/own.camel.yaml"),
                "  - route:\n      id: nightly\n      from:\n        uri: direct:nightly\n        steps: []\n");
        for (String taken : List.of("devops-health-check", "research-external-opportunities", "call-hook", "nightly")) {
            assertEquals(0, run(cron("name: " + taken), "-", "--force"), err);
            assertEquals(List.of(taken + "-2"), List.copyOf(written().keySet()));
            assertTrue(out.contains("because " + taken + " is in use"), out);
        }
    }

    @Test
    void the_same_cron_three_times_is_one_order_and_told() throws Exception {
        JsonNode one = Json.read(cron("description: one")).path("jobs").get(0);
        JsonNode two =
                Json.read(cron("{id: a-2, description: two}")).path("jobs").get(0);
        JsonNode other =
                Json.read(cron("{id: a-3, agentId: devops}")).path("jobs").get(0);
        assertEquals(0, run(Json.text(List.of(one, two, one, other)), "-"), err);
        assertEquals(List.of("a", "a-2"), List.copyOf(written().keySet()));
        assertEquals(
                2,
                out.lines()
                        .filter(line -> line.contains("it does the same at the same times as a before it"))
                        .count());
    }

    @Test
    void chats_that_a_session_cannot_be_named_after_stay_apart() throws Exception {
        List<JsonNode> crons = new ArrayList<>();
        for (String target : List.of(
                "session:agent:main:whatsapp:group:12036304@g.us",
                "session:agent:main:whatsapp:group:12036304-g.us",
                "current",
                "session:" + "x".repeat(200))) {
            crons.add(Json.read(cron("{sessionKey: 'agent:main:telegram:direct:+4711', sessionTarget: '" + target
                            + "', name: n" + crons.size() + "}"))
                    .path("jobs")
                    .get(0));
        }
        assertEquals(0, run(Json.text(crons), "-"), err);
        assertEquals(
                List.of(
                        "session:agent:main:whatsapp:group:12036304-g-us",
                        "session:agent:main:whatsapp:group:12036304-g-us-2",
                        "session:agent:main:telegram:direct:-4711",
                        "session:" + "x".repeat(95)),
                written().values().stream().map(order -> order.get("session")).toList());
        assertTrue(out.contains("it ran in the conversation agent:main:telegram:direct:+4711"), out);
        assertTrue(out.contains("agentbus.gateway.form=direct"), out);
    }

    @Test
    void a_disabled_cron_becomes_a_comment_that_starts_when_it_is_switched_on() throws Exception {
        String disabled = cron("{enabled: false, payload: {kind: agentTurn, message: \"One.\\n\\nTwo.\"}}");
        assertEquals(0, run(disabled, "-", "--include-disabled"), err);
        assertTrue(out.contains("a: a (disabled)"), out);
        assertTrue(out.contains("and 1 disabled ones as comments"), out);
        String text = Files.readString(home.resolve(OUTPUT));
        assertEquals(Map.of(), orders(text));
        String on = text.substring(text.indexOf("# - templatedRoute")).replaceAll("(?m)^# ?", "");
        assertEquals("One.\n\nTwo.", orders(on).get("a").get("instructions"));
    }

    @Test
    void any_text_is_read_back_as_it_was_written() throws Exception {
        String odd = "  first\n\tTab, 'one' \"two\": {{three}} ${four} #five\n- six\n\n  seven  \n%eight \\u0041 &x *y";
        ObjectNode root = (ObjectNode) Json.read(cron());
        ((ObjectNode) root.path("jobs").get(0).path("payload")).put("message", odd);
        ((ObjectNode) root.path("jobs").get(0)).put("description", "- not: a list\nbut [two] lines");
        assertEquals(0, run(Json.text(root), "-"), err);
        assertEquals(
                odd.replace("{{", "{ {").replace("}}", "} }").strip(),
                written().get("a").get("instructions"));
        assertEquals("- not: a list but [two] lines", written().get("a").get("purpose"));

        ((ObjectNode) root.path("jobs").get(0).path("payload")).put("message", "a\u0000b\ud83dc\u2028d\r\ne");
        assertEquals(0, run(Json.text(root), "-", "--force"), err);
        assertEquals("a b?c\nd\ne", written().get("a").get("instructions"));
        assertTrue(out.contains("characters that a route file cannot hold"), out);
    }

    @Test
    void a_list_that_is_cut_is_told() throws Exception {
        ObjectNode root = (ObjectNode) Json.read(cron());
        root.put("hasMore", true).put("total", 250);
        assertEquals(0, run(Json.text(root), "-"), err);
        assertTrue(out.contains("it holds 1 of 250 crons"), out);
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
