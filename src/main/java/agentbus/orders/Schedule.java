package agentbus.orders;

import com.cronutils.descriptor.CronDescriptor;
import com.cronutils.mapper.CronMapper;
import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.parser.CronParser;
import java.text.ParseException;
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
import java.util.TimeZone;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.quartz.CronExpression;

/**
 * When a standing order is due: a Quartz cron expression in a time zone; immutable.
 *
 * <p>The expression speaks of local time, and a local time may happen twice or not at all. An order for every hour is due
 * at every real occurrence: in a repeated hour both times, in a skipped hour never. Any other order is due once for each
 * local time: the first time in a repeated hour, and when the gap ends for a time that is skipped.
 */
public final class Schedule {
    /** The hour field of an order for every hour. */
    private static final Pattern EVERY_HOUR = Pattern.compile("[*]|[*]/1|0/1|0?0-23");

    private static final CronParser QUARTZ = parser(CronType.QUARTZ);
    private static final Pattern BEGINS_LATER = Pattern.compile("\\b[1-9]\\d*/");
    private static final Pattern BLANK = Pattern.compile("\\s+");
    private static final TimeZone UTC = TimeZone.getTimeZone(ZoneOffset.UTC);
    /** Further than any clock change moves the time: a zone that crosses the date line moves it by a day. */
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
     * @param zone where the times are local
     * @return the schedule
     * @throws IllegalArgumentException saying what is wrong with the expression, in words that follow "it"
     */
    public static Schedule of(String cron, ZoneId zone) {
        String[] fields = BLANK.split(cron.strip());
        if (fields.length == UNIX_FIELDS) {
            throw new IllegalArgumentException(
                    "has five fields as Unix has them; Quartz wants six, seconds first" + meant(cron));
        }
        try {
            CronExpression local = new CronExpression(cron.strip());
            // Local times are counted as if they were UTC, where no clock ever changes.
            local.setTimeZone(UTC);
            // Some wrong ones are only noticed when they are asked.
            local.getTimeAfter(new Date(0));
            return new Schedule(cron.strip(), zone, local);
        } catch (ParseException wrong) {
            throw new IllegalArgumentException("is no Quartz expression: " + wrong.getMessage(), wrong);
        } catch (RuntimeException wrong) {
            throw new IllegalArgumentException("is no Quartz expression", wrong);
        }
    }

    /**
     * What a Unix expression is in Quartz.
     *
     * @param cron five fields: minute, hour, day of month, month, day of week
     * @return seven fields, the last of which is the year
     * @throws IllegalArgumentException when it is no Unix expression, or one that Quartz cannot say
     */
    public static String quartzOf(String cron) {
        return CronMapper.fromUnixToQuartz()
                .map(parser(CronType.UNIX).parse(cron))
                .asString();
    }

    private static String meant(String unixCron) {
        try {
            return ": " + quartzOf(unixCron);
        } catch (IllegalArgumentException notUnix) {
            // It is wrong in either dialect; the count of fields is what can be said of it.
            return "";
        }
    }

    private static CronParser parser(CronType type) {
        return new CronParser(CronDefinitionBuilder.instanceDefinitionFor(type));
    }

    /**
     * The slots of a window.
     *
     * @param after the window's begin, not within it
     * @param until the window's end, within it
     * @return the slots, in order, each once
     */
    public List<Instant> between(Instant after, Instant until) {
        return between(after, until, Integer.MAX_VALUE);
    }

    /**
     * The first slots of a window.
     *
     * @param after the window's begin, not within it
     * @param until the window's end, within it
     * @param most so many at most
     * @return the slots, in order, each once
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
            // What comes later in local time may come earlier in fact, but not by more than the margin.
            if (slots.size() == most && time.isAfter(localTime(slots.last()).plus(MARGIN))) {
                break;
            }
            time = next(time);
        }
        return List.copyOf(slots);
    }

    /**
     * The next slots.
     *
     * @param after the time to look from, not itself among them
     * @param count how many
     * @return so many slots in order, fewer when the schedule ends, none when it never comes again
     */
    public List<Instant> next(Instant after, int count) {
        if (count < 1) {
            return List.of();
        }
        // Quartz itself looks no further than a hundred years.
        return between(after, after.plus(Duration.ofDays(36_525)), count);
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
     * The schedule in plain words.
     *
     * @return such as {@code at 18:00 every day} or {@code at 10:00 on Monday (Europe/Berlin)}
     */
    public String words() {
        String words = cron;
        try {
            // Of a last day, and of a step that does not begin at 0, the library says another thing than Quartz does.
            words = cron.contains("L") || BEGINS_LATER.matcher(cron).find()
                    ? cron
                    : CronDescriptor.instance(Locale.UK).describe(QUARTZ.parse(cron));
        } catch (IllegalArgumentException beyondIt) {
            // Quartz takes a few forms that the describing library does not: then the expression has to do.
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

    /** The expression and its zone. */
    @Override
    public String toString() {
        return cron + " (" + zone.getId() + ")";
    }
}
