package agentbus.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Finds the known name nearest to a mistyped one. */
public final class Nearest {
    /** Chosen: an edit distance costs the product of both lengths, and no name is this long. */
    private static final int LONGEST = 100;
    /** Chosen: fewer letters are the beginning of too many names. */
    private static final int SHORTEST_BEGINNING = 3;

    private Nearest() {}

    /**
     * Finds the known name nearest to a mistyped one. Case, hyphens and underscores do not count: {@code target_agent}
     * is nearest to {@code targetAgent}. If no name is near, a text of 3 or more letters that begins exactly one name
     * matches that name.
     *
     * @param typed the mistyped name
     * @param known the known names
     * @return the nearest name, the first one among equals, or empty when none is near
     */
    public static Optional<String> of(String typed, Collection<String> known) {
        if (typed.length() > LONGEST) {
            return Optional.empty();
        }
        String plain = plain(typed);
        int allowance = Math.max(1, plain.length() / 3);
        return known.stream()
                .filter(name -> distance(plain, plain(name)) <= allowance)
                .min(Comparator.comparingInt(name -> distance(plain, plain(name))))
                .or(() -> begunBy(plain, known));
    }

    /**
     * The end of an error message about an unknown name.
     *
     * @param typed the mistyped name
     * @param known the known names
     * @return {@code did you mean x?}, or {@code the known ones are x, y}, or {@code there are none}
     */
    public static String hint(String typed, Collection<String> known) {
        String all = known.isEmpty() ? "there are none" : "the known ones are " + String.join(", ", known);
        return of(typed, known).map(Nearest::question).orElse(all);
    }

    /**
     * The end of a message that has named an unknown name already.
     *
     * @param typed the mistyped name
     * @param known the known names
     * @return {@code ; did you mean x?}, or an empty text when none is near
     */
    public static String meant(String typed, Collection<String> known) {
        return of(typed, known).map(name -> "; " + question(name)).orElse("");
    }

    /**
     * Asks whether a name was meant.
     *
     * @param name a known name
     * @return {@code did you mean x?}
     */
    public static String question(String name) {
        return "did you mean " + name + "?";
    }

    private static Optional<String> begunBy(String plain, Collection<String> known) {
        if (plain.length() < SHORTEST_BEGINNING) {
            return Optional.empty();
        }
        List<String> begun =
                known.stream().filter(name -> plain(name).startsWith(plain)).toList();
        return begun.size() == 1 ? Optional.of(begun.get(0)) : Optional.empty();
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
