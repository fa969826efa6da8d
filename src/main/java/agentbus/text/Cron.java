package agentbus.text;

import java.text.ParseException;
import java.time.ZoneOffset;
import java.util.Date;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.quartz.CronExpression;

/** Reads Quartz cron expressions. */
public final class Cron {
    /** Quartz 2.5 uses these two numbers for * and ? inside, and takes them for that in an expression too. */
    private static final Pattern TAKEN_FOR_A_SIGN = Pattern.compile("(?<![0-9])9[89](?![0-9])");

    private Cron() {}

    /**
     * Reads an expression.
     *
     * @param text six or seven fields: second, minute, hour, day of month, month, day of week, and optionally year
     * @return the expression with its times in UTC
     * @throws IllegalArgumentException if it is no Quartz expression; the message is the reason
     */
    public static CronExpression parse(String text) {
        Matcher sign = TAKEN_FOR_A_SIGN.matcher(text);
        if (sign.find()) {
            throw new IllegalArgumentException(sign.group() + " is beyond the range of every field");
        }
        try {
            CronExpression cron = new CronExpression(text);
            cron.setTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC));
            // Quartz finds some mistakes only when it computes a time.
            cron.getTimeAfter(new Date(0));
            return cron;
        } catch (ParseException wrong) {
            throw new IllegalArgumentException(wrong.getMessage(), wrong);
        } catch (RuntimeException wrong) {
            throw new IllegalArgumentException("its fields cannot be read", wrong);
        }
    }
}
