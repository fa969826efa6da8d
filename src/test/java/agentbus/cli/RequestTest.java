package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RequestTest extends AgainstABus {
    private static final Set<String> COMMON =
            Set.of("json", "url", "token-file", "http-timeout-seconds", "help", "version");

    private BusStub.Request sent(String... args) {
        Shell.Run run = shell.run(args);
        assertEquals(0, run.exit(), run.err());
        assertEquals("", run.err());
        return bus.request();
    }

    private static Stream<Operation> operations() {
        return CONTRACT.operations().stream();
    }

    @ParameterizedTest
    @MethodSource("operations")
    void every_input_of_every_operation_is_an_option_and_reaches_the_bus(Operation operation) throws IOException {
        List<String> args = new ArrayList<>(List.of(operation.kebabName()));
        Map<String, String> given = new HashMap<>();
        Set<String> left = new HashSet<>(Set.of("delaySeconds", "retryAfterSeconds"));
        if (operation.kebabName().equals("supersede-memory")) {
            // It takes another memory or new words.
            left.add("memoryId");
        }
        for (Input input : operation.inputs()) {
            if (!left.contains(input.name())) {
                given.put(input.name(), sample(input));
                args.add("--" + input.kebabName());
                args.add(sample(input));
            }
        }
        BusStub.Request request = sent(args.toArray(String[]::new));
        assertEquals(operation.method(), request.method());
        String[] target = request.uri().split("\\?", 2);
        ObjectNode body = operation.takesBody() ? object(request.body()) : Json.object();
        String path = operation.path();
        for (Input input : operation.inputs()) {
            String value = given.get(input.name());
            if (input.in() == Input.In.PATH) {
                path = path.replace("{" + input.name() + "}", value);
            } else if (input.in() == Input.In.QUERY) {
                assertTrue(
                        Arrays.asList(target[1].split("&")).contains(input.name() + "=" + value.replace(":", "%3A")),
                        request.uri());
            } else if (value != null) {
                String sent = body.get(input.name()).isTextual()
                        ? body.get(input.name()).textValue()
                        : body.get(input.name()).toString();
                assertEquals(value, sent);
            }
        }
        assertEquals(path, target[0]);
        assertEquals(operation.takesBody() ? "application/json" : null, request.contentType());
    }

    private static String sample(Input input) {
        if (input.schema().has("enum")) {
            return input.schema().at("/enum/0").asText();
        }
        if (input.schema().path("format").asText().equals("date-time")) {
            return "2026-01-31T09:00:00Z";
        }
        switch (input.type()) {
            case "integer":
                return Long.toString(Math.min(42, input.schema().path("maximum").asLong(42)));
            case "boolean":
                return "false";
            case "array":
                if (input.name().equals("dependsOn")) {
                    return "[\"" + JOB + "\"]";
                }
                return input.schema().path("minItems").asInt() == 0
                        ? "[]"
                        : "[{\"kind\":\"job\",\"id\":\"" + JOB + "\"}]";
            case "object":
                return object(input);
            default:
                break;
        }
        String pattern = input.schema().path("pattern").asText();
        int least = input.schema().path("minLength").asInt();
        return Stream.of(
                        "some-text",
                        "some-text-of-more-than-one-line",
                        JOB,
                        "reactive",
                        "dead",
                        "new",
                        "active",
                        "decision",
                        "conflict",
                        "ab".repeat(32))
                .filter(text -> text.length() >= least && (pattern.isEmpty() || text.matches(pattern)))
                .findFirst()
                .orElseThrow(
                        () -> new AssertionError("no sample for " + input.name() + ", which must match " + pattern));
    }

    /** An object with a free text, in the first field that takes one if the fields are named. */
    private static String object(Input input) {
        for (var field : input.schema().path("properties").properties()) {
            if (field.getValue().path("type").asText().equals("string")
                    && !field.getValue().has("pattern")
                    && !field.getValue().has("format")
                    && !field.getValue().has("enum")) {
                return "{\"" + field.getKey() + "\":\"anna\"}";
            }
        }
        return "{\"a\":[1.50,\"b\"]}";
    }

    private static ObjectNode object(String json) throws IOException {
        return (ObjectNode) Json.EXACT.readTree(json);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void every_example_of_the_contract_works(Operation operation) {
        List<String> words = words(operation.example());
        words.removeIf(word -> word.startsWith("AGENTBUS_TOKEN="));
        assertEquals("agentbus", words.remove(0));
        assertEquals(operation.method(), sent(words.toArray(String[]::new)).method());
    }

    /** Splits a line like a shell that knows only single quotes. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher matcher = Pattern.compile("'([^']*)'|(\\S+)").matcher(line);
        while (matcher.find()) {
            words.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
        }
        return words;
    }

    @ParameterizedTest
    @MethodSource("operations")
    void no_input_has_the_name_of_an_option_that_all_commands_have(Operation operation) {
        operation.inputs().stream()
                // The exception: a command with an input named version keeps only -V for the program's version.
                .filter(input -> !input.name().equals("version"))
                .forEach(input -> assertFalse(COMMON.contains(input.kebabName()), input.name()));
    }

    @Test
    void only_what_was_given_is_sent() {
        BusStub.Request request = sent("enqueue-job", "--target-agent", "devops", "--subject=a.b");
        assertEquals("{\"targetAgent\":\"devops\",\"subject\":\"a.b\"}", request.body());
        assertEquals("/v1/jobs", request.uri());
    }

    @Test
    void a_path_parameter_may_be_an_argument() {
        assertEquals("/v1/jobs/" + JOB, sent("get-job", JOB).uri());
        assertEquals("/v1/jobs/" + JOB, sent("get-job", "--job-id", JOB).uri());
        assertEquals("/v1/agents/devops/resume", sent("resume-agent", "devops").uri());
    }

    @Test
    void json_may_come_from_a_file_or_from_the_standard_input() throws IOException {
        Path file = Files.writeString(home.resolve("payload.json"), "{\"host\":\"wéb-1\"}");
        String[] command = {"emit-event", "--topic", "a", "--payload", "@" + file};
        assertEquals(
                "{\"topic\":\"a\",\"payload\":{\"host\":\"wéb-1\"}}",
                sent(command).body());
        shell.in("{\"host\":\"web-2\"}\n");
        assertEquals(
                "{\"topic\":\"a\",\"payload\":{\"host\":\"web-2\"}}",
                sent("emit-event", "--topic", "a", "--payload", "-").body());
    }

    @Test
    void a_list_of_texts_may_be_repeated_options_or_json() {
        String other = JOB.replace('0', '1');
        String body = "{\"targetAgent\":\"a\",\"subject\":\"b\",\"dependsOn\":[\"" + JOB + "\",\"" + other + "\"]}";
        String[] command = {"enqueue-job", "--target-agent=a", "--subject=b", "--depends-on", JOB, "--depends-on", other
        };
        assertEquals(body, sent(command).body());
        assertEquals(
                body,
                sent(
                                "enqueue-job",
                                "--target-agent=a",
                                "--subject=b",
                                "--depends-on=[\"" + JOB + "\",\"" + other + "\"]")
                        .body());
    }

    @Test
    void objects_of_a_list_may_be_repeated_options() {
        BusStub.Request request = sent(
                "complete-job",
                JOB,
                "--summary",
                "x",
                "--events",
                "{\"topic\":\"a\"}",
                "--events",
                "[{\"topic\":\"b\"}]");
        assertEquals("{\"summary\":\"x\",\"events\":[{\"topic\":\"a\"},{\"topic\":\"b\"}]}", request.body());
    }

    @Test
    void a_boolean_may_be_said_in_four_ways() {
        String[][] ways = {
            {"--retry=false"}, {"--retry", "false"}, {"--no-retry"}, {"--retry"}, {"--retry=true"},
        };
        for (String[] way : ways) {
            List<String> command = new ArrayList<>(List.of("fail-job", "--error", "x"));
            command.addAll(List.of(way));
            command.add(JOB);
            boolean value = !String.join("", way).matches(".*(false|no-).*");
            assertEquals(
                    "{\"error\":\"x\",\"retry\":" + value + "}",
                    sent(command.toArray(String[]::new)).body());
        }
    }

    @Test
    void text_is_sent_as_it_was_typed() {
        for (String text :
                List.of("@file", "-", "${env:HOME}", "100 % sure", "\"quoted\"", "-x", "ünï 😀", "{\"a\":1}")) {
            BusStub.Request request = sent("fail-job", JOB, "--error", text);
            assertEquals(Map.of("error", text), map(request.body()));
        }
    }

    private static Map<?, ?> map(String json) {
        try {
            return Json.EXACT.readValue(json, Map.class);
        } catch (IOException wrong) {
            throw new AssertionError(json, wrong);
        }
    }

    @Test
    void a_query_is_encoded() {
        assertEquals(
                "/v1/events?topic=job.%23&after=7",
                sent("list-events", "--topic", "job.#", "--after", "7").uri());
        assertEquals(
                "/v1/jobs?flowKey=a%20%26%2B%2F&namespace=lab",
                sent("list-jobs", "--flow-key", "a &+/", "--namespace", "lab").uri());
    }

    @Test
    void files_of_other_systems_are_read_without_their_byte_order_mark_and_line_ends() throws IOException {
        Path token = Files.writeString(home.resolve("token"), "\uFEFFabo_file\r\n");
        Path payload = Files.writeString(home.resolve("payload.json"), "\uFEFF{\r\n\"stadt\":\"Köln\"}\r\n");
        var request = sent("emit-event", "--topic", "a", "--payload", "@" + payload, "--token-file", token.toString());
        assertEquals("Bearer abo_file", request.token());
        assertEquals("{\"topic\":\"a\",\"payload\":{\"stadt\":\"Köln\"}}", request.body());
    }

    @Test
    void the_token_comes_from_the_file_then_the_environment_then_the_home() throws IOException {
        assertNull(sent("health").token());
        Files.createDirectories(home.resolve("data"));
        Files.writeString(home.resolve("data/operator.token"), "abo_home\n");
        assertEquals("Bearer abo_home", sent("health").token());
        Path file = Files.write(home.resolve("other"), "abo_file".getBytes(StandardCharsets.US_ASCII));
        assertEquals(
                "Bearer abo_file",
                sent("health", "--token-file", file.toString()).token());
        shell.env.put("AGENTBUS_TOKEN", "abt_env");
        assertEquals("Bearer abt_env", sent("health").token());
        assertEquals(
                "Bearer abo_file",
                sent("health", "--token-file", file.toString()).token());
        shell.env.remove("AGENTBUS_TOKEN");
        shell.env.put("AGENTBUS_DATA_DIR", "elsewhere");
        assertNull(sent("health").token());
        shell.env.put("AGENTBUS_DATA_TOKEN_DIR", "data");
        assertEquals("Bearer abo_home", sent("health").token());
    }

    @Test
    void the_url_may_stand_before_or_after_the_command() {
        shell.env.put("AGENTBUS_URL", "http://127.0.0.1:1");
        assertEquals("/v1/health", sent("--url", bus.url() + "/", "health").uri());
        assertEquals("/v1/health", sent("health", "--url", bus.url()).uri());
        assertEquals(
                "/under/v1/health",
                sent("health", "--url", bus.url() + "/under").uri());
    }
}
