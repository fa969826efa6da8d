package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A fortnight of a fleet that makes much noise: each digest stays within its limits, and each good proposal reaches one. The
 * figures of each day go to {@code target/fortnight.md}, the digests to {@code target/digests}.
 */
@ExtendWith(PostgresExtension.class)
class ProposalFortnightTest {
    private static final int WORDS = 400;
    private static final int ITEMS = 7;
    /** The budgets are those of a day of UTC, which must not end during the test. */
    private static final Duration TAKES = Duration.ofSeconds(90);

    @Test
    void each_digest_of_a_noisy_fortnight_is_short_and_every_good_proposal_reaches_one(TestDatabase database)
            throws Exception {
        Awaitility.await("no midnight (UTC) is near")
                .atMost(TAKES.plusSeconds(5))
                .until(() -> LocalTime.now(ZoneOffset.UTC).isBefore(LocalTime.MAX.minus(TAKES)));
        Instant begun = Instant.now();
        Machine bus = Machine.fresh(database);
        Fortnight fortnight = new Fortnight(bus);
        List<Fortnight.Day> days = new ArrayList<>();
        List<String> broken = new ArrayList<>();
        Set<String> told = new TreeSet<>();
        Path digests = Files.createDirectories(Path.of("target/digests"));
        for (int number = 0; number < Fortnight.DAYS; number++) {
            Fortnight.Day day = fortnight.day(number);
            days.add(day);
            Files.writeString(
                    digests.resolve("day-" + (number + 1) + ".md"),
                    day.digest.get("markdown").asText());
            broken.addAll(overLimits(number, day.digest));
            day.digest
                    .get("sources")
                    .forEach(source -> told.add(source.path("id").asText()));
            if (number % 7 == 6) {
                JsonNode bets = bus.ask("compose_report", "kind", "weekly_bets");
                Files.writeString(
                        digests.resolve("week-" + (number / 7 + 1) + ".md"),
                        bets.get("markdown").asText());
                broken.addAll(overLimits(number, bets));
            }
        }
        String table = table(days);
        Files.writeString(Path.of("target/fortnight.md"), table);
        System.out.println(
                "fortnight: in " + Duration.between(begun, Instant.now()).toMillis() + " ms\n" + table);

        assertEquals(List.of(), broken);
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
        assertEquals(Fortnight.DAYS * Fortnight.GOOD_A_DAY, fortnight.good().size(), "good proposals that were kept");
        Set<String> missed = new TreeSet<>();
        fortnight.good().forEach((title, id) -> {
            if (!told.contains(id)) {
                missed.add(title);
            }
        });
        assertEquals(Set.of(), missed, "good proposals that no digest tells of");
        assertTrue(
                days.stream().allMatch(day -> day.proposed - day.ideas - day.opportunities > day.opportunities),
                "each day more is held back than let through");
    }

    private static List<String> overLimits(int number, JsonNode report) {
        List<String> broken = new ArrayList<>();
        String markdown = report.get("markdown").asText();
        int words = markdown.strip().split("\\s+").length;
        if (words > WORDS || report.get("words").asInt() > WORDS) {
            broken.add("day " + number + " has " + words + " words, and says " + report.get("words"));
        }
        if (report.get("items").asInt() > ITEMS) {
            broken.add("day " + number + " has " + report.get("items") + " items");
        }
        return broken;
    }

    private static String table(List<Fortnight.Day> days) {
        StringBuilder table = new StringBuilder(
                "| day | proposed | kept ideas | kept opportunities | over budget | too many open | copies | rejected before"
                        + " | below the bar | said again | in the digest | left out | words | converted | succeeded | failed |\n");
        table.append("| ---: ".repeat(16)).append("|\n");
        List<int[]> rows = new ArrayList<>();
        for (Fortnight.Day day : days) {
            int leftOut = 0;
            for (JsonNode count : day.digest.get("leftOut")) {
                leftOut += count.asInt();
            }
            int[] row = {
                day.proposed,
                day.ideas,
                day.opportunities,
                day.refused("proposal_budget"),
                day.refused("open_limit"),
                day.refused("near_duplicate"),
                day.refused("rejected_before"),
                day.refused("invalid_field", "unknown_evidence", "below_bar"),
                day.repeated,
                day.digest.get("items").asInt(),
                leftOut,
                day.digest.get("words").asInt(),
                day.converted,
                day.succeeded,
                day.failed
            };
            rows.add(row);
            table.append("| ").append(rows.size());
            for (int value : row) {
                table.append(" | ").append(value);
            }
            table.append(" |\n");
        }
        table.append("| all");
        for (int column = 0; column < rows.get(0).length; column++) {
            int at = column;
            int sum = rows.stream().mapToInt(row -> row[at]).sum();
            table.append(" | ").append(column == 11 ? "" : String.valueOf(sum));
        }
        return table.append(" |\n").toString();
    }
}
