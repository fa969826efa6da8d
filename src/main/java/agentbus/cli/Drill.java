package agentbus.cli;

import java.util.Locale;

/**
 * The result of one drill of {@code week-one}.
 *
 * @param name the drill, in a few words
 * @param result whether it holds
 * @param what the numbers and ids that were seen, or what went wrong, in one sentence
 */
record Drill(String name, Result result, String what) {
    /** Whether a drill holds. */
    enum Result {
        /** The bus did what it promises. */
        HOLDS,
        /** The bus did not, or the rows that would show it are missing. */
        DOES_NOT_HOLD,
        /** The drill needs an option that was not given. */
        NOT_TRIED;

        /** The result in words. */
        String words() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }
}
