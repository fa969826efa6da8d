package agentbus.contract;

import com.networknt.schema.ExecutionContext;
import com.networknt.schema.Format;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The format date-time: an RFC 3339 timestamp with an offset that Postgres can store. In UTC it lies in the years 1 to
 * 9999, because every answer shows it in UTC with a year of four digits.
 */
final class DateTimeFormat implements Format {
    private static final Pattern SHAPE =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?([Zz]|[+-]\\d\\d:\\d\\d)");
    // Postgres refuses offsets of 16 hours and more ("time zone displacement out of range").
    private static final int MAX_OFFSET_SECONDS = 16 * 3600;

    private static final int LAST_YEAR = 9999;

    @Override
    public String getName() {
        return "date-time";
    }

    @Override
    public boolean matches(ExecutionContext context, String value) {
        if (!SHAPE.matcher(value).matches()) {
            return false;
        }
        try {
            OffsetDateTime time = OffsetDateTime.parse(value.toUpperCase(Locale.ROOT));
            int year = time.withOffsetSameInstant(ZoneOffset.UTC).getYear();
            return year > 0 && year <= LAST_YEAR && Math.abs(time.getOffset().getTotalSeconds()) < MAX_OFFSET_SECONDS;
        } catch (DateTimeException notATime) {
            return false;
        }
    }
}
