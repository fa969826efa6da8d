package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WrongCommandTest extends AgainstABus {

    private String wrong(String... args) {
        Shell.Run run = shell.run(args);
        assertEquals(2, run.exit(), run.err() + run.out());
        assertEquals("", run.out());
        assertFalse(bus.wasAsked());
        return run.err();
    }

    private static String lines(String... lines) {
        return String.join(System.lineSeparator(), lines) + System.lineSeparator();
    }

    @Test
    void a_value_out_of_range_is_told_by_its_option() {
        assertEquals(
                lines("error: --priority is 5000; it must be a whole number from 1 to 1000.", "  code: invalid_field"),
                wrong("enqueue-job", "--target-agent", "devops", "--subject", "a", "--priority", "5000"));
    }

    @Test
    void with_json_the_problem_is_that_of_the_contract() {
        assertEquals(
                lines(
                        "{\"type\":\"urn:agentbus:problem:invalid_field\",\"title\":\"Invalid field\",\"status\":400,"
                                + "\"code\":\"invalid_field\",\"detail\":\"--priority is \\\"high\\\"; it must be a whole number from 1 to"
                                + " 1000.\",\"field\":\"priority\",\"value\":\"high\",\"expected\":\"a whole number from 1 to 1000\"}"),
                wrong("enqueue-job", "--json", "--target-agent=devops", "--subject=a", "--priority=high"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "enqueue-job --subject a|--target-agent is missing; it must be a name",
                "enqueue-job --target-agent a --subject a --depends-on x|--depends-on[0] is \"x\"; it must be a UUID",
                "enqueue-job --target-agent a --subject a --payload []|--payload is []; it must be an object.",
                "enqueue-job --target-agent a --subject a --payload {|--payload \"{\" is not JSON that can be read: at line 1, column 2",
                "enqueue-job --target-agent a --subject a --payload=|--payload \"\" is not JSON that can be read: at line 1, column 1, it is empty",
                "enqueue-job --target-agent a --subject a --run-after 2026-01-31T09:00:00Z --delay-seconds 5|"
                        + "--delay-seconds is not allowed together with --run-after; give only one of them.",
                "complete-job " + JOB
                        + " --summary x --follow-ups [{\"subject\":\"a\"}]|--follow-ups[0].targetAgent is missing",
                "complete-job " + JOB
                        + " --summary x --follow-ups {\"subject\":\"a\"}|--follow-ups is {\"subject\":\"a\"}; it must be a list of at most 50 objects.",
                "fail-job " + JOB + " --error x --no-retry --retry-after-seconds 5|"
                        + "--retry-after-seconds is not allowed together with --retry false",
                "fail-job " + JOB + " --error x --retry=maybe|--retry is \"maybe\"; it must be true or false.",
                "fail-job " + JOB + " --error x --retry --no-retry|--retry and --no-retry say the same thing",
                "get-job|--job-id is missing; it must be a UUID",
                "get-job 42|--job-id is 42; it must be a UUID",
                "get-job " + JOB + " --job-id " + JOB + "|--job-id and the argument <job-id> say the same thing",
                "list-jobs --state ded|--state is \"ded\"; it must be one of",
                "list-jobs --limit 1.5|--limit is 1.5; it must be a whole number from 1 to 500.",
                "list-jobs --limit 1 --limit 2|--limit is given twice; it must be given once.",
                "list-jobs --limit|--limit is given without a value; it must be --limit <number>.",
                "list-jobs more|\"more\" is one argument too many; agentbus list-jobs --help shows what there is.",
                "list-jobs --stat dead|--stat is not an option of list-jobs; did you mean --state?",
                "list-jobs --wibble=7|--wibble is not an option of list-jobs; agentbus list-jobs --help shows",
                "list-job|There is no operation \"list-job\"; did you mean list-jobs?",
                "--jsn|--jsn is not an option of agentbus; did you mean --json?",
                "health --url ftp://x|--url is ftp://x; it must be an address such as http://127.0.0.1:8080.",
                "health --url nowhere|--url is nowhere; it must be an address",
                "health --http-timeout-seconds 0|--http-timeout-seconds is 0; it must be a whole number of seconds from 1",
                "health --token-file /no/such/file|--token-file is /no/such/file, which cannot be read",
                "emit-event --topic a --payload @/no/such/file|--payload is @/no/such/file, which cannot be read",
            })
    void a_wrong_command_is_refused_before_anything_is_sent(String command, String said) {
        String err = wrong(command.split(" "));
        String expected = said.replace("--job-id is 42", "--job-id is \"42\"");
        assertTrue(err.startsWith("error: " + expected), err);
        assertTrue(err.contains("\n  code: "), err);
        assertFalse(err.contains("\tat "), err);
    }

    @Test
    void the_standard_input_is_read_once() {
        shell.in("{}");
        String err = wrong("complete-job", JOB, "--summary", "x", "--result", "-", "--usage", "-");
        assertTrue(err.startsWith("error: --usage is -, but --result reads the standard input already;"), err);
    }

    @Test
    void an_argument_that_the_locale_has_garbled_is_refused_and_never_stored() {
        String err = wrong("emit-event", "--topic", "a", "--payload", "{\"stadt\":\"K\uFFFD\uFFFDln\"}");
        assertTrue(err.startsWith("error: An argument has letters that are no text in the character set of"), err);
        assertTrue(err.contains("set LC_ALL=C.UTF-8, or give JSON as @file"), err);
    }

    @Test
    void bad_json_in_a_file_is_told_with_its_place() throws IOException {
        Path file = Files.writeString(home.resolve("p.json"), "{\n\"a\": nope}");
        String err = wrong("emit-event", "--topic", "a", "--payload", "@" + file);
        assertTrue(err.contains("line 2, column "), err);
        Files.write(file, new byte[] {'{', (byte) 0xFF});
        assertTrue(wrong("emit-event", "--topic", "a", "--payload", "@" + file).contains("0xFF is not UTF-8"));
    }

    @Test
    void a_bad_token_is_refused_without_being_shown() throws IOException {
        shell.env.put("AGENTBUS_TOKEN", "abo_se cret");
        String err = wrong("health");
        assertTrue(err.startsWith("error: AGENTBUS_TOKEN does not hold a token"), err);
        assertFalse(err.contains("cret"), err);
        shell.env.clear();
        Path file = Files.writeString(home.resolve("t"), "abo_se\ncret");
        assertFalse(wrong("health", "--token-file", file.toString()).contains("cret"));
        String url = wrong("health", "--json", "--url", "http://me:secret@127.0.0.1:1");
        assertFalse(url.contains("secret"), url);
    }

    @Test
    void no_command_shows_the_help_and_is_wrong() {
        String err = wrong();
        assertTrue(err.startsWith("Usage: agentbus <command> [options]"), err);
    }

    @Test
    void arguments_of_any_kind_never_end_in_a_stack_trace() {
        Stream.of("", "-", "--", "@", "=", "--=", "\0", "-hV", "--no-", "-x=1")
                .flatMap(odd -> Stream.of(
                        new String[] {odd}, new String[] {"fail-job", odd}, new String[] {"get-job", odd, odd}))
                .forEach(args -> {
                    Shell.Run run = shell.run(args);
                    assertTrue(run.exit() == 2 || run.exit() == 0, String.join(" ", args) + run.err());
                    assertFalse(run.err().contains("Exception"), run.err());
                });
    }
}
