package chaos;

import java.util.List;

/** Times of one step in milliseconds: the median, and the limits below and above which a tenth lies. */
record Spread(double median, double low, double high, int samples) {
    private static final double NANOS = 1_000_000.0;

    static Spread of(List<Long> nanos) {
        List<Long> sorted = nanos.stream().sorted().toList();
        int n = sorted.size();
        return new Spread(sorted.get(n / 2) / NANOS, sorted.get(n / 10) / NANOS, sorted.get(n - 1 - n / 10) / NANOS, n);
    }

    @Override
    public String toString() {
        return "%.2f ms (%.2f to %.2f, %d samples)".formatted(median, low, high, samples);
    }
}
