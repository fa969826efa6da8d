package agentbus.orders;

import agentbus.text.Cron;
import com.cronutils.descriptor.CronDescriptor;
import com.cronutils.mapper.CronMapper;
import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.parser.CronParser;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.quartz.CronExpression;

/**
 * A schedule: a Quartz cron expression in a time zone. Immutable.
 *
 * <p>Expressions are in local time, and a clock change repeats or skips local times. An hourly schedule has a slot at
 * every real hour: two slots for a repeated hour, no slot for a skipped one. Any other schedule has one slot per local
 * time: the first occurrence of a repeated time, and the end of the gap for a skipped time.
 */
public final class Schedule {
    /** The hour fields of an hourly schedule. */
    private static final Pattern EVERY_HOUR = Pattern.compile("[*]|[*]/1|0/1|0?0-23");

    private static final CronParser QUARTZ = parser(CronType.QUARTZ);
    private static final CronDescriptor DESCRIPTOR = CronDescriptor.instance(Locale.UK);
    private static final Pattern BEGINS_LATER = Pattern.compile("\\b[1-9]\\d*/");
    private static final Pattern BLANK = Pattern.compile("\\s+");
    /** Chosen: more than the largest clock change, which is 24 hours in a zone that crosses the date line. */
    private static final Duration MARGIN = Duration.ofHours(26);

    private static final int UNIX_FIELDS = 5;
    private static final int HOUR_FIELD = 2;

    private final String cron;
    private final ZoneId zone;
    private final CronExpression local;
    private final boolean everyHour;

    private Schedule(String cron, ZoneId zone, CronExpression local) {
        this.cron = cron;
        this.zone = zone;
        this.local = local;
        this.everyHour =
                EVERY_HOUR.matcher(BLANK.split(cron.strip())[HOUR_FIELD]).matches();
    }

    /**
     * Reads a schedule.
     *
     * @param cron six or seven fields: second, minute, hour, day of month, month, day of week, and optionally year
     * @param zone the time zone of the expression
     * @return the schedule
     * @throws IllegalArgumentException for an invalid expression; the message continues a sentence that begins with
     *     "it"
     */
    public static Schedule of(String cron, ZoneId zone) {
        String[] fields = BLANK.split(cron.strip());
        if (fields.length == UNIX_FIELDS) {
            throw new IllegalArgumentException(
                    "has five fields as Unix has them; Quartz wants six, seconds first" + meant(cron));
        }
        try {
            // Quartz computes the local times in UTC, which has no clock changes; this class applies the zone.
            return new Schedule(cron.strip(), zone, Cron.parse(cron.strip()));
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("is no Quartz expression: " + wrong.getMessage(), wrong);
        }
    }

    private static String meant(String unixCron) {
        try {
            return ": "
                    + CronMapper.fromUnixToQuartz()
                            .map(parser(CronType.UNIX).parse(unixCron))
                            .asString();
        } catch (IllegalArgumentException notUnix) {
            // The expression is invalid in Unix too, so the message has no translation.
            return "";
        }
    }

    private static CronParser parser(CronType type) {
        return new CronParser(CronDefinitionBuilder.instanceDefinitionFor(type));
    }

    /**
     * Computes the slots in a time window.
     *
     * @param after the start of the window, exclusive
     * @param until the end of the window, inclusive
     * @return the slots in ascending order, without duplicates
     */
    public List<Instant> between(Instant after, Instant until) {
        return between(after, until, Integer.MAX_VALUE);
    }

    /**
     * Computes the first slots in a time window.
     *
     * @param after the start of the window, exclusive
     * @param until the end of the window, inclusive
     * @param most the most slots to return
     * @return the slots in ascending order, without duplicates
     */
    public List<Instant> between(Instant after, Instant until, int most) {
        TreeSet<Instant> slots = new TreeSet<>();
        LocalDateTime last = localTime(until).plus(MARGIN);
        LocalDateTime time = next(localTime(after).minus(MARGIN));
        while (time != null && !time.isAfter(last)) {
            for (Instant slot : occurrences(time)) {
                if (slot.isAfter(after) && !slot.isAfter(until)) {
                    slots.add(slot);
                }
            }
            while (slots.size() > most) {
                slots.pollLast();
            }
            // A later local time may be an earlier instant, by no more than the margin.
            if (slots.size() == most && time.isAfter(localTime(slots.last()).plus(MARGIN))) {
                break;
            }
            time = next(time);
        }
        return List.copyOf(slots);
    }

    /**
     * Computes the next slots.
     *
     * @param after the start, exclusive
     * @param count the number of slots
     * @return the slots in ascending order; fewer, or none, when the schedule ends
     */
    public List<Instant> next(Instant after, int count) {
        if (count < 1) {
            return List.of();
        }
        // Quartz itself looks ahead for a hundred years at most.
        return between(after, after.plus(Duration.ofDays(36_525)), count);
    }

    /**
     * Whether the schedule has a slot after a time. It computes far fewer times than {@link #next}, and looks at least as
     * far ahead.
     *
     * @param after the time, exclusive
     * @return false when the schedule ends at that time or before
     */
    public boolean comesAfter(Instant after) {
        // No clock change exceeds the margin. A skipped hour, or a slot within the margin, needs a closer look.
        LocalDateTime later = next(localTime(after).plus(MARGIN));
        return (later != null && !occurrences(later).isEmpty())
                || !next(after, 1).isEmpty();
    }

    private LocalDateTime localTime(Instant instant) {
        return LocalDateTime.ofInstant(instant, zone);
    }

    private LocalDateTime next(LocalDateTime after) {
        Date next = local.getTimeAfter(Date.from(after.toInstant(ZoneOffset.UTC)));
        return next == null ? null : LocalDateTime.ofInstant(next.toInstant(), ZoneOffset.UTC);
    }

    private List<Instant> occurrences(LocalDateTime time) {
        List<ZoneOffset> offsets = zone.getRules().getValidOffsets(time);
        if (offsets.isEmpty()) {
            ZoneOffsetTransition gap = zone.getRules().getTransition(time);
            return everyHour ? List.of() : List.of(gap.getInstant());
        }
        List<Instant> instants = new ArrayList<>(2);
        for (ZoneOffset offset : everyHour ? offsets : offsets.subList(0, 1)) {
            instants.add(time.toInstant(offset));
        }
        return instants;
    }

    /**
     * Describes the schedule in words.
     *
     * @return such as {@code at 18:00 every day} or {@code at 10:00 on Monday (Europe/Berlin)}
     */
    public String words() {
        String words = cron;
        try {
            // The library describes last days, and steps that do not begin at 0, with another meaning than Quartz has.
            words = cron.contains("L") || BEGINS_LATER.matcher(cron).find()
                    ? cron
                    : DESCRIPTOR.describe(QUARTZ.parse(cron));
        } catch (IllegalArgumentException beyondIt) {
            // The library does not know every form that Quartz accepts; the words are then the expression itself.
            words = cron;
        }
        words = words.replaceAll("\\bat (\\w+day) day\\b", "on $1")
                .replaceAll("\\bat (\\d+) day\\b", "on day $1 of the month")
                .replaceAll("every day between (\\w+day) and (\\w+day)", "from $1 to $2");
        if (words.matches("at \\d\\d:\\d\\d(:\\d\\d)?")) {
            words += " every day";
        }
        return zone.getId().equals("UTC") ? words : words + " (" + zone.getId() + ")";
    }

    /** The expression and its time zone. */
    @Override
    public String toString() {
        return cron + " (" + zone.getId() + ")";
    }
}
