package agentbus.imports;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Translates the schedules of OpenClaw for Quartz. OpenClaw 2026.9.6 reads cron expressions with croner 10, which is
 * stricter than Unix in some places and knows {@code L}, {@code W}, {@code #} and {@code +}.
 */
final class CronTimes {
    private static final Map<String, String> NICKNAMES = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");

    private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");
    private static final Pattern PLAIN = Pattern.compile("[*0-9,/-]+");
    private static final Pattern ITEM = Pattern.compile("(?:(\\d{1,2})(?:-(\\d{1,2}))?|[*])(?:/(\\d{1,2}))?");
    /** The last or the nth day of the week in a month: {@code 5L}, {@code 5#L} or {@code 5#2}. */
    private static final Pattern NTH_DAY = Pattern.compile("([0-7])(?:#?(L)|#([1-5]))");

    private static final Pattern ONE_DAY = Pattern.compile("L|LW|\\d{1,2}W");

    private static final int UNIX_FIELDS = 5;
    private static final int MOST_FIELDS = 7;
    private static final int LAST_DAY_OF_MONTH = 31;
    private static final long MINUTE = 60;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;
    private static final long WEEK = 7 * DAY;
    /** 1970-01-01 was a Thursday. */
    private static final int FIRST_DAY = DAYS.indexOf("THU");

    private final List<String> notes;

    /**
     * A translation.
     *
     * @param notes takes a sentence for each change that the owner of the cron should know
     */
    CronTimes(List<String> notes) {
        this.notes = notes;
    }

    /**
     * Translates a cron expression.
     *
     * @param expression five to seven fields, or a nickname such as {@code @daily}
     * @return one Quartz expression, or two when Quartz needs one for each of the two day fields
     * @throws IllegalArgumentException when the expression is invalid, or Quartz cannot express it
     */
    List<String> ofExpression(String expression) {
        String text = NICKNAMES.getOrDefault(expression.strip().toLowerCase(Locale.ROOT), expression.strip());
        String[] fields = text.toUpperCase(Locale.ROOT).split("\\s+");
        if (fields.length < UNIX_FIELDS || fields.length > MOST_FIELDS) {
            throw new IllegalArgumentException(
                    "schedule.expr is \"" + expression + "\"; it must have five, six or seven fields");
        }
        int first = fields.length == UNIX_FIELDS ? 0 : 1;
        String second = first == 0 ? "0" : anyTime(fields[0]);
        String time = second + " " + anyTime(fields[first]) + " " + anyTime(fields[first + 1]) + " ";
        String month = " " + anyTime(fields[first + 3]) + " ";
        String year = fields.length == MOST_FIELDS && !fields[MOST_FIELDS - 1].equals("*")
                ? " " + fields[MOST_FIELDS - 1]
                : "";
        List<String> translated = new ArrayList<>();
        for (String[] days : days(fields[first + 2], fields[first + 4])) {
            translated.add(time + days[0] + month + days[1] + year);
        }
        return translated;
    }

    private static String anyTime(String field) {
        return field.replace('?', '*');
    }

    /**
     * The two day fields of Quartz, of which one is always {@code ?}. In croner a day must match both fields if one of
     * them is {@code *} or the second begins with {@code +}; otherwise it must match either.
     */
    private List<String[]> days(String monthField, String weekField) {
        boolean both = weekField.startsWith("+");
        String week = both ? weekField.substring(1) : weekField;
        if ((monthField.equals("?") && !isAny(week)) || (week.equals("?") && !isAny(monthField))) {
            notes.add("its schedule has a ?, which OpenClaw 2026.9.6 reads as every day; it now runs on "
                    + (monthField.equals("?") ? week : "day " + monthField) + " only");
        }
        String monthDays = isAny(monthField) ? "*" : monthDays(monthField);
        String weekDays = isAny(week) ? "*" : weekDays(week);
        if (isAny(monthField) || isAny(week)) {
            return List.<String[]>of(monthDays.equals("*") ? week(weekDays) : month(monthDays));
        }
        if (both && !monthDays.equals("*") && !weekDays.equals("*")) {
            throw new IllegalArgumentException("its schedule wants a day of the month that is also a certain day of"
                    + " the week (+), which no Quartz expression can say");
        }
        if (both) {
            return List.<String[]>of(monthDays.equals("*") ? week(weekDays) : month(monthDays));
        }
        if (monthDays.equals("*") || weekDays.equals("*")) {
            return List.<String[]>of(week("*"));
        }
        notes.add("it named days of the month and of the week, and ran on either: two orders now;"
                + " on a day that is both, both run");
        return List.of(month(monthDays), week(weekDays));
    }

    private static boolean isAny(String field) {
        return field.equals("*") || field.equals("?");
    }

    private static String[] month(String days) {
        return new String[] {days, "?"};
    }

    private static String[] week(String days) {
        return days.equals("*") ? new String[] {"*", "?"} : new String[] {"?", days};
    }

    /** The days of the month for Quartz; {@code *} when they are all days. */
    private static String monthDays(String field) {
        if (ONE_DAY.matcher(field).matches()) {
            return field;
        }
        if (!PLAIN.matcher(field).matches()) {
            throw new IllegalArgumentException("its day of the month is \"" + field
                    + "\"; a Quartz expression has L or W alone, without further days");
        }
        BitSet days = set(field, 1, LAST_DAY_OF_MONTH);
        return days.cardinality() == LAST_DAY_OF_MONTH ? "*" : field;
    }

    /** The days of the week for Quartz, by name, because it counts them differently; {@code *} when they are all days. */
    private static String weekDays(String named) {
        String field = named.replace("-SUN", "-7");
        for (int i = 0; i < DAYS.size(); i++) {
            field = field.replace(DAYS.get(i), String.valueOf(i));
        }
        Matcher nth = NTH_DAY.matcher(field);
        if (nth.matches()) {
            // Quartz counts the days of the week from 1, which is Sunday.
            int day = Integer.parseInt(nth.group(1)) % DAYS.size() + 1;
            return day + (nth.group(2) == null ? "#" + nth.group(3) : "L");
        }
        if (!PLAIN.matcher(field).matches()) {
            throw new IllegalArgumentException("its day of the week is \"" + named
                    + "\"; a Quartz expression has one day with # or L, without further days");
        }
        BitSet days = set(field, 0, DAYS.size());
        if (days.get(DAYS.size())) {
            days.set(0);
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < DAYS.size(); i++) {
            if (days.get(i)) {
                names.add(DAYS.get(i));
            }
        }
        return names.size() == DAYS.size() ? "*" : String.join(",", names);
    }

    /** The numbers that a field names: lists, ranges and steps. */
    private static BitSet set(String field, int least, int most) {
        BitSet set = new BitSet();
        for (String part : field.split(",", -1)) {
            Matcher item = ITEM.matcher(part);
            if (!item.matches()) {
                throw new IllegalArgumentException("its schedule has \"" + part + "\", which is no day");
            }
            boolean any = item.group(1) == null;
            int from = any ? least : Integer.parseInt(item.group(1));
            // Day 7 is Sunday again, so a step over all days of the week ends at 6.
            int all = least == 0 ? most - 1 : most;
            int to = any ? all : item.group(2) == null ? from : Integer.parseInt(item.group(2));
            int step = item.group(3) == null ? 1 : Integer.parseInt(item.group(3));
            if (from < least || to > most || from > to || step == 0) {
                throw new IllegalArgumentException(
                        "its schedule has \"" + part + "\"; days are " + least + " to " + most);
            }
            for (int i = from; i <= to; i += step) {
                set.set(i);
            }
        }
        return set;
    }

    /**
     * Translates an interval. The expression is in UTC, so that a clock change moves nothing.
     *
     * @param everyMs the interval, in milliseconds
     * @param anchorMs a time at which it fires, in milliseconds since 1970
     * @return a Quartz expression in UTC
     * @throws IllegalArgumentException when no cron expression can say the interval
     */
    static String ofInterval(long everyMs, long anchorMs) {
        long every = everyMs / 1_000;
        long anchor = Math.floorMod(anchorMs / 1_000, WEEK);
        if (every <= 0 || everyMs % 1_000 != 0 || !expressible(every)) {
            throw new IllegalArgumentException("it runs every " + Duration.ofMillis(everyMs)
                    + ", which does not divide the minute, the hour, the day or the week, so no cron expression can"
                    + " express it");
        }
        if (every < MINUTE) {
            return step(anchor % every, every) + " * * * * ?";
        }
        String time = anchor % MINUTE + " ";
        if (every < HOUR) {
            return time + step(anchor / MINUTE % (every / MINUTE), every / MINUTE) + " * * * ?";
        }
        time += anchor / MINUTE % 60 + " ";
        if (every < DAY) {
            return time + step(anchor / HOUR % (every / HOUR), every / HOUR) + " * * ?";
        }
        time += anchor / HOUR % 24;
        return time + (every == DAY ? " * * ?" : " ? * " + DAYS.get((int) (FIRST_DAY + anchor / DAY) % DAYS.size()));
    }

    private static boolean expressible(long every) {
        return (every < MINUTE && MINUTE % every == 0)
                || (every % MINUTE == 0 && every < HOUR && HOUR % every == 0)
                || (every % HOUR == 0 && every <= DAY && DAY % every == 0)
                || every == WEEK;
    }

    private static String step(long from, long step) {
        return step == 1 ? "*" : from + "/" + step;
    }
}
