package agentbus.contract;

import com.networknt.schema.ExecutionContext;
import com.networknt.schema.Format;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.regex.Pattern;

/** The format date-time: an RFC 3339 timestamp with an offset that Postgres can store. */
final class DateTimeFormat implements Format {
    private static final Pattern SHAPE =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?([Zz]|[+-]\\d\\d:\\d\\d)");
    // Postgres refuses offsets of 16 hours and more ("time zone displacement out of range").
    private static final int MAX_OFFSET_SECONDS = 16 * 3600;

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
            return time.getYear() > 0 && Math.abs(time.getOffset().getTotalSeconds()) < MAX_OFFSET_SECONDS;
        } catch (DateTimeException notATime) {
            return false;
        }
    }
}
