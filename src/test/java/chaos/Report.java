package chaos;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The results, a line for each fault: printed, and written to {@code target/chaos-report.json}. */
final class Report {
    private static final Path FILE = Path.of("target", "chaos-report.json");

    private record Line(String fault, Verdict verdict, String recovery, String note) {}

    private final List<Line> lines = new ArrayList<>();
    private final Instant began = Instant.now();

    void add(String fault, Verdict verdict, String recovery) {
        lines.add(new Line(fault, verdict, recovery, ""));
    }

    /** A fault that this machine cannot make. */
    void skipped(String fault, String why) {
        lines.add(new Line(fault, null, "", "skipped: " + why));
    }

    void print(PrintStream out) {
        out.printf(
                "%n%-34s %5s %5s %5s %5s %5s %5s %5s %7s  %s%n",
                "fault", "jobs", "runs", "lost", "stuck", "stale", "rerun", "unexp", "refused", "recovery");
        for (Line line : lines) {
            Verdict v = line.verdict();
            if (v == null) {
                out.printf("%-34s %s%n", line.fault(), line.note());
                continue;
            }
            out.printf(
                    "%-34s %5d %5d %5d %5d %5d %5d %5d %7d  %s%n",
                    line.fault(),
                    v.succeeded(),
                    v.runs(),
                    v.lost().size(),
                    v.stuck().size(),
                    v.staleAccepted().size(),
                    v.rerun(),
                    v.unexplained().size(),
                    v.staleRefused(),
                    line.recovery());
        }
        out.printf(
                "lost, stuck, stale (writes accepted) and unexp (runs without a reason) must be 0; rerun: ran more than once,"
                        + " each with its reason in the attempts; refused: closes of attempts that were over.%n%n");
    }

    void write() {
        ObjectNode all = Json.object()
                .put("at", began.toString())
                .put("seconds", java.time.Duration.between(began, Instant.now()).toSeconds())
                .put("processors", Runtime.getRuntime().availableProcessors());
        lines.forEach(line -> {
            ObjectNode one = all.withArray("faults").addObject().put("fault", line.fault());
            if (line.verdict() == null) {
                one.put("note", line.note());
            } else {
                one.put("recovery", line.recovery());
                one.set("verdict", Json.tree(line.verdict()));
            }
        });
        try {
            Files.writeString(FILE, Json.pretty(all));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
