package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Times, numbers and names as people read them in notes. */
final class Words {
    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("d MMMM uuuu", Locale.ENGLISH);
    private static final DateTimeFormatter MONTH = DateTimeFormatter.ofPattern("MMMM uuuu", Locale.ENGLISH);
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("d MMMM uuuu, HH:mm", Locale.ENGLISH).withZone(ZoneOffset.UTC);

    private Words() {}

    /** A day, such as {@code 28 November 2026}, of a time such as {@code 2026-11-28T09:30:00Z}. */
    static String day(String time) {
        return DAY.format(LocalDate.parse(time.substring(0, 10)));
    }

    /** A month, such as {@code November 2026}, of a day or time. */
    static String month(String time) {
        return MONTH.format(LocalDate.parse(time.substring(0, 10)));
    }

    /** A time, such as {@code 28 November 2026, 09:30 UTC}. */
    static String time(String time) {
        return TIME.format(Instant.parse(time)) + " UTC";
    }

    /** The UTC day that a span of two times is about, such as {@code 2026-11-28}: that of its middle. */
    static String middle(String from, String to) {
        Instant start = Instant.parse(from);
        return start.plus(Duration.between(start, Instant.parse(to)).dividedBy(2))
                .toString()
                .substring(0, 10);
    }

    /** A number with its noun, such as {@code 1 idea} or {@code 3 ideas}. */
    static String count(long number, String one, String several) {
        return number(number) + " " + (number == 1 ? one : several);
    }

    /** A number as people read it, such as {@code 12,345}. */
    static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** A stored word as people write it: {@code converted_to_job} becomes {@code converted to a job}. */
    static String plain(String word) {
        return word.replace("_to_job", "_to_a_job")
                .replace("_to_opportunity", "_to_an_opportunity")
                .replace('_', ' ');
    }

    /** The texts of a field that is a list; empty where there is none. */
    static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    /** Tags as editors know them: letters, digits and hyphens. */
    static List<String> tags(JsonNode list) {
        return texts(list).stream()
                .map(NoteNames::slug)
                .filter(tag -> !tag.isEmpty())
                .distinct()
                .toList();
    }

    /**
     * The name of an actor without its kind: {@code operator:anna} becomes {@code anna}, and
     * {@code operator:route:mail (Anna Berg)} becomes {@code Anna Berg (route mail)}.
     */
    static String actor(String actor) {
        return actor.replaceFirst("^operator:route:(\\S+) \\((.+)\\)$", "$2 (route $1)")
                .replaceFirst("^operator:route:(?=.)", "the route ")
                .replaceFirst("^(operator|agent|attempt|dispatcher):(?=.)", "");
    }

    /** A command of the program as code. */
    static String command(String command) {
        return "`agentbus " + command + "`";
    }
}
