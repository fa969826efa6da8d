package agentbus.cli;

import java.util.Locale;
import java.util.stream.Collectors;

/** Makes texts safe for a terminal. Texts from agents are data and must not move the cursor or hide other text. */
final class Text {
    private static final String ELLIPSIS = "…";

    private Text() {}

    /** The text in one line: line breaks and tabs become spaces, other control characters become visible. */
    static String line(String text) {
        return clean(text.strip().replaceAll("\\R", " ").replace('\t', ' '));
    }

    /**
     * The text in several lines, each after the first with the indent. Control characters other than line breaks become
     * visible.
     */
    static String lines(String text, String indent) {
        String tidy = text.strip().replace("\r\n", "\n").replace('\t', ' ');
        return tidy.lines().map(Text::clean).collect(Collectors.joining("\n" + indent));
    }

    private static String clean(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints().forEach(c -> append(clean, c));
        return clean.toString();
    }

    private static void append(StringBuilder clean, int c) {
        if (c < 0x20) {
            // Unicode has a visible symbol for each control character, in the same order.
            clean.appendCodePoint(0x2400 + c);
        } else if (c == 0x7F) {
            clean.append('\u2421');
        } else if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029 || isUnpairedSurrogate(c)) {
            clean.append('\uFFFD');
        } else if (Character.getType(c) != Character.FORMAT || c == 0x200D) {
            // Format characters can reverse or hide text. Only the zero-width joiner is kept, because emoji need it.
            clean.appendCodePoint(c);
        }
    }

    private static boolean isUnpairedSurrogate(int c) {
        return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
    }

    /** The width of a text without control characters, in columns. */
    static int width(String text) {
        return text.codePoints().map(Text::width).sum();
    }

    private static int width(int c) {
        int type = Character.getType(c);
        if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK || type == Character.FORMAT) {
            return 0;
        }
        boolean wide = c >= 0x1100 && c <= 0x115F
                || c >= 0x2E80 && c <= 0xA4CF
                || c >= 0xAC00 && c <= 0xD7A3
                || c >= 0xF900 && c <= 0xFAFF
                || c >= 0xFE30 && c <= 0xFE6F
                || c >= 0xFF00 && c <= 0xFF60
                || c >= 0x1F300 && c <= 0x1FAFF
                || c >= 0x20000 && c <= 0x3FFFD;
        return wide ? 2 : 1;
    }

    /** The text, cut to a number of columns with … at the end if it is wider. */
    static String cut(String text, int columns) {
        if (width(text) <= columns) {
            return text;
        }
        StringBuilder cut = new StringBuilder();
        int used = 1;
        for (int c : text.codePoints().toArray()) {
            used += width(c);
            if (used > columns) {
                break;
            }
            cut.appendCodePoint(c);
        }
        return cut + ELLIPSIS;
    }

    /** The text, wrapped at spaces to a number of columns. */
    static String wrapped(String text, int columns) {
        StringBuilder wrapped = new StringBuilder();
        int used = 0;
        for (String word : text.split(" ")) {
            int width = width(word);
            if (used > 0 && used + 1 + width > columns) {
                wrapped.append('\n');
                used = 0;
            } else if (used > 0) {
                wrapped.append(' ');
                used++;
            }
            wrapped.append(word);
            used += width;
        }
        return wrapped.toString();
    }

    /** The text, padded with spaces to a number of columns. */
    static String padded(String text, int columns) {
        return text + " ".repeat(Math.max(0, columns - width(text)));
    }

    /** The words of a field's name: {@code next move} for {@code nextMove}. */
    static String words(String camel) {
        return line(camel).replaceAll("([a-z0-9])([A-Z])", "$1 $2").toLowerCase(Locale.ROOT);
    }

    /** A duration in its largest unit: {@code 12 s}, {@code 3 min}, {@code 5 h}, {@code 2 d}. */
    static String age(double seconds) {
        long whole = Math.max(0, Math.round(seconds));
        if (whole < 60) {
            return whole + " s";
        }
        if (whole < 3600) {
            return whole / 60 + " min";
        }
        return whole < 48 * 3600 ? whole / 3600 + " h" : whole / 86_400 + " d";
    }
}
