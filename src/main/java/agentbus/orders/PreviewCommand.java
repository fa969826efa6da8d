package agentbus.orders;

import agentbus.contract.Problem;
import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.PrintStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus preview-schedule}: shows the next slots of a schedule without using it. */
@Command(
        name = "preview-schedule",
        description = {PreviewCommand.SUMMARY},
        footer = "Example: agentbus preview-schedule '0 30 6 ? * MON-FRI' --zone Europe/Berlin")
public final class PreviewCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "State a schedule in words and show its next fires; needs no running bus and changes nothing.";

    private static final DateTimeFormatter LOCAL =
            DateTimeFormatter.ofPattern("EEE yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);
    /** Chosen: more slots than anyone reads. */
    private static final int MOST = 100;

    private final PrintStream out;

    @Parameters(
            paramLabel = "<cron>",
            description = "Quartz: second, minute, hour, day of month, month, day of week; one of the two days is ?.")
    private String cron;

    @Option(names = "--zone", paramLabel = "<zone>", description = "The expression's time zone; UTC by default.")
    private String zone = "UTC";

    @Option(names = "--from", paramLabel = "<time>", description = "Fires after this time; now by default.")
    private String from;

    @Option(names = "--count", paramLabel = "<n>", description = "So many fires, 1 to 100; 5 by default.")
    private int count = 5;

    /**
     * The command.
     *
     * @param out the stream for the output
     */
    public PreviewCommand(PrintStream out) {
        this.out = out;
    }

    @Override
    public Integer call() {
        if (count < 1 || count > MOST) {
            throw wrong("count", String.valueOf(count), "--count is " + count, "a whole number from 1 to 100");
        }
        ZoneId at = zone();
        Schedule schedule = schedule(at);
        out.println(schedule.words());
        if (!zone.equals("UTC")) {
            out.println("by the time zone data " + ZoneData.version() + " of Java");
        }
        List<Instant> fires = schedule.next(from(), count);
        if (fires.isEmpty()) {
            out.println("It never comes again.");
        }
        for (Instant fire : fires) {
            out.println("  " + LOCAL.format(fire.atZone(at)) + (zone.equals("UTC") ? "" : "   " + fire));
        }
        return 0;
    }

    private ZoneId zone() {
        try {
            return ZoneId.of(zone);
        } catch (DateTimeException unknown) {
            String meant = Nearest.meant(zone, ZoneId.getAvailableZoneIds());
            throw wrong("zone", zone, "--zone is " + zone + ", which is no time zone" + meant, "such as Europe/Berlin");
        }
    }

    private Schedule schedule(ZoneId at) {
        try {
            return Schedule.of(cron, at);
        } catch (IllegalArgumentException wrong) {
            throw wrong(
                    "cron", cron, "the schedule \"" + cron + "\" " + wrong.getMessage(), "six fields, seconds first");
        }
    }

    private Instant from() {
        try {
            return from == null ? Instant.now() : OffsetDateTime.parse(from).toInstant();
        } catch (DateTimeException noTime) {
            throw wrong("from", from, "--from is " + from + ", which is no time", "such as 2026-11-24T09:00:00Z");
        }
    }

    private static Problem wrong(String field, String value, String detail, String expected) {
        return Problem.invalidField(field, JsonNodeFactory.instance.textNode(value), detail, expected);
    }
}
