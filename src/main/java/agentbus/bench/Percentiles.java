package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.HdrHistogram.Histogram;

/** Reads the percentiles of a histogram, in milliseconds. */
final class Percentiles {
    private Percentiles() {}

    /**
     * The percentiles of a histogram.
     *
     * @param histogram values in microseconds
     * @return count, p50Ms, p95Ms, p99Ms and maxMs; only the count for an empty histogram
     */
    static ObjectNode of(Histogram histogram) {
        ObjectNode told = JsonNodeFactory.instance.objectNode().put("count", histogram.getTotalCount());
        if (histogram.getTotalCount() > 0) {
            told.put("p50Ms", ms(histogram.getValueAtPercentile(50)))
                    .put("p95Ms", ms(histogram.getValueAtPercentile(95)))
                    .put("p99Ms", ms(histogram.getValueAtPercentile(99)))
                    .put("maxMs", ms(histogram.getMaxValue()));
        }
        return told;
    }

    /** Converts microseconds to milliseconds with two decimal places. */
    static double ms(long micros) {
        return Math.round(micros / 10.0) / 100.0;
    }
}
