package agentbus.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.cli.AddedCommand;
import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreviewCommandTest {
    private static final Contract CONTRACT = Contract.load();

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int preview(String... args) {
        PrintStream shown = new PrintStream(out, true, StandardCharsets.UTF_8);
        AgentbusCli cli = new AgentbusCli(
                CONTRACT,
                Map.of(
                        "preview-schedule",
                        AddedCommand.annotated(PreviewCommand.SUMMARY, () -> new PreviewCommand(shown))));
        String[] all = new String[args.length + 1];
        all[0] = "preview-schedule";
        System.arraycopy(args, 0, all, 1, args.length);
        return cli.execute(
                all,
                new ByteArrayInputStream(new byte[0]),
                shown,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Map.of());
    }

    @Test
    void a_schedule_is_said_in_words_with_its_next_fires_at_its_place_and_in_utc() {
        int exit = preview("0 30 2 * * ?", "--zone", "Europe/Berlin", "--from", "2026-10-23T12:00:00Z", "--count", "3");
        assertEquals(0, exit, err.toString(StandardCharsets.UTF_8));
        assertEquals(
                """
                at 02:30 every day (Europe/Berlin)
                by the time zone data %s of Java
                  Sat 2026-10-24 02:30:00 +02:00   2026-10-24T00:30:00Z
                  Sun 2026-10-25 02:30:00 +02:00   2026-10-25T00:30:00Z
                  Mon 2026-10-26 02:30:00 +01:00   2026-10-26T01:30:00Z
                """
                        .formatted(ZoneData.version()),
                out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void a_schedule_that_is_over_says_so() {
        assertEquals(0, preview("0 0 0 1 1 ? 2020"));
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("It never comes again."));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "*/5 * * * * | UTC | now | 5 | Quartz wants six, seconds first: 0 */5 * * * ?",
                "0 0 9 * * ? | Europe/Berln | now | 5 | did you mean Europe/Berlin?",
                "0 0 9 * * ? | UTC | tomorrow | 5 | --from is tomorrow, which is no time",
                "0 0 9 * * ? | UTC | now | 1000 | --count is 1000"
            })
    void what_is_wrong_is_said_with_what_would_be_right(
            String cron, String zone, String from, String count, String said) {
        String time = from.equals("now") ? "2026-11-24T00:00:00Z" : from;
        assertEquals(1, preview(cron, "--zone", zone, "--from", time, "--count", count));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains(said), err.toString(StandardCharsets.UTF_8));
    }
}
