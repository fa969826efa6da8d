package agentbus.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a shell and curl would make of the commands in a prompt. */
class PromptReaderTest {

    private static CurlCommand only(String prompt) {
        PromptReader.Reading reading = new PromptReader().read(prompt);
        assertEquals(List.of(), reading.problems());
        assertEquals(1, reading.commands().size());
        return reading.commands().get(0);
    }

    private static String body(String prompt) {
        return only(prompt).body().orElseThrow();
    }

    @Test
    void a_command_over_several_lines_becomes_one_request() {
        CurlCommand command = only(
                """
                [cron:1 dispatcher J-1] You have one job.

                When it is done:
                  curl -sS --max-time 30 -X POST http://127.0.0.1:8080/v1/jobs/J-1/complete \\
                    -H 'Authorization: Bearer t0k/en' \\
                    -H "Content-Type: application/json" \\
                    --data '{"summary": "<what was done>"}'

                Then stop.
                """);
        assertEquals("POST", command.method());
        assertEquals(URI.create("http://127.0.0.1:8080/v1/jobs/J-1/complete"), command.url());
        assertEquals(Optional.of("Bearer t0k/en"), command.header("authorization"));
        assertEquals(Optional.of("application/json"), command.header("Content-Type"));
        assertEquals(Optional.of("{\"summary\": \"<what was done>\"}"), command.body());
        assertEquals(Optional.of(Duration.ofSeconds(30)), command.maxTime());
        assertFalse(command.toString().contains("t0k"));
    }

    @Test
    void all_commands_are_found_in_their_order() {
        List<CurlCommand> commands = new PromptReader()
                .read("curl http://h/a; curl http://h/b && echo ok | cat\ncurl http://h/c?x=1#f # the third\n")
                .commands();
        assertEquals(
                List.of("/a", "/b", "/c"),
                commands.stream().map(command -> command.url().getPath()).toList());
    }

    @Test
    void single_quotes_keep_every_other_character() {
        assertEquals("it's $HOME \\n \"so\"", body("curl h/x -d 'it'\\''s $HOME \\n \"so\"'"));
    }

    @Test
    void double_quotes_only_know_four_escapes() {
        assertEquals(
                "{\"a\": \"\\n\", \"b\": \"$5\"} `",
                body("curl h/x -d \"{\\\"a\\\": \\\"\\n\\\", \\\"b\\\": \\\"\\$5\\\"} \\`\""));
    }

    @Test
    void quoted_text_may_span_lines_and_adjacent_parts_form_one_word() {
        assertEquals("{\n\"a\": 1}", body("curl h/x -d '{\n\"a\": 1}'"));
        assertEquals("abcd e", body("curl h/x -d a'b'\"c\"d\\ e"));
        assertEquals("ab", body("curl h/x -d a\\\nb"));
        assertEquals("", body("curl h/x -d ''"));
    }

    @Test
    void variables_come_from_the_environment_of_the_shell() {
        PromptReader reader = new PromptReader(Map.of("TOKEN", "t1", "BUS", "http://h:1"));
        CurlCommand command = reader.read("curl $BUS/x -H \"Authorization: Bearer ${TOKEN}$NONE\" -d 'x$TOKEN'")
                .commands()
                .get(0);
        assertEquals(URI.create("http://h:1/x"), command.url());
        assertEquals(Optional.of("Bearer t1"), command.header("Authorization"));
        assertEquals(Optional.of("x$TOKEN"), command.body());
    }

    @Test
    void options_are_parsed_as_curl_parses_them() {
        CurlCommand put = only("curl -sSfXPUT -m0.5 --url http://h/x -HA:1 -d a -d b --retry 3 -o /dev/null");
        assertEquals("PUT", put.method());
        assertEquals(Optional.of("1"), put.header("A"));
        assertEquals(Optional.of("a&b"), put.body());
        assertEquals(Optional.of("application/x-www-form-urlencoded"), put.header("content-type"));
        assertEquals(Optional.of(Duration.ofMillis(500)), put.maxTime());
        assertEquals("GET", only("curl http://h/x").method());
        CurlCommand json = only("curl --json '{}' http://h/x -H 'Expect:'");
        assertEquals("POST", json.method());
        assertEquals(Optional.of("application/json"), json.header("content-type"));
        assertEquals(Optional.empty(), json.header("Expect"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "curl isn't a toy",
                "curl is a tool for requests",
                "curl http://h/x -d @file",
                "curl http://h/x -d \"$(cat file)\"",
                "curl http://h/x -d `cat file`",
                "curl http://h/x > out",
                "curl http://h/x -d {\"a\":1}",
                "curl http://h/x -d \"open",
                "curl http://h/x --proxy p",
                "curl http://h/x -u me:secret",
                "curl http://h/x -H",
                "curl -d x",
                "curl http://h/x -H NoColon"
            })
    void a_line_that_the_reader_does_not_support_is_reported_and_left_out(String line) {
        PromptReader.Reading reading = new PromptReader().read("First.\n" + line + "\ncurl http://h/good\n");
        assertTrue(
                reading.problems().get(0).startsWith("line 2: "),
                reading.problems().toString());
        assertEquals(
                List.of("/good"),
                reading.commands().stream().map(one -> one.url().getPath()).toList());
    }

    @Test
    void a_word_that_only_contains_curl_is_no_command() {
        PromptReader.Reading reading =
                new PromptReader().read("Use curl http://h/x\ncurling is a sport\ncurl\n- curl a\n");
        assertEquals(new PromptReader.Reading(List.of(), List.of()), reading);
    }
}
