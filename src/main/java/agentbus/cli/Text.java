package agentbus.cli;

import java.util.Locale;
import java.util.stream.Collectors;

/** Makes text from agents fit for a terminal: it is data, and no part of it may move the cursor or hide another. */
final class Text {
    private static final String ELLIPSIS = "…";

    private Text() {}

    /** One line: line breaks and tabs are spaces, other control characters are visible. */
    static String line(String text) {
        return clean(text.strip().replaceAll("\\R", " ").replace('\t', ' '));
    }

    /** Lines: line breaks stay, other control characters are visible; each line after the first gets the indent. */
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
            // Unicode has a picture for each of these, in the same order.
            clean.appendCodePoint(0x2400 + c);
        } else if (c == 0x7F) {
            clean.append('\u2421');
        } else if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029 || isUnpairedSurrogate(c)) {
            clean.append('\uFFFD');
        } else if (Character.getType(c) != Character.FORMAT || c == 0x200D) {
            // Format characters reverse or hide text; the joiner alone is kept, emoji are made of it.
            clean.appendCodePoint(c);
        }
    }

    private static boolean isUnpairedSurrogate(int c) {
        return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
    }

    /** The columns that a clean text takes. */
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

    /** The text, or its beginning with … where it takes more than so many columns. */
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

    /** The text with a line break instead of a space wherever a line would take more than so many columns. */
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

    /** The text with spaces up to so many columns. */
    static String padded(String text, int columns) {
        return text + " ".repeat(Math.max(0, columns - width(text)));
    }

    /** A field's name in words: {@code nextMove} is {@code next move}. */
    static String words(String camel) {
        return line(camel).replaceAll("([a-z0-9])([A-Z])", "$1 $2").toLowerCase(Locale.ROOT);
    }

    /** A length of time in its largest unit: {@code 12 s}, {@code 3 min}, {@code 5 h}, {@code 2 d}. */
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
