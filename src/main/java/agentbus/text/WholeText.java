package agentbus.text;

/** Cuts and repairs texts so that only whole characters remain, which UTF-8 and Postgres can store. */
public final class WholeText {
    private WholeText() {}

    /**
     * Cuts a text.
     *
     * @param text the text
     * @param most the most UTF-16 units of the result
     * @return the text itself, or its beginning without a divided character at the end
     */
    public static String cut(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        boolean divides = most > 0
                && Character.isHighSurrogate(text.charAt(most - 1))
                && Character.isLowSurrogate(text.charAt(most));
        return text.substring(0, divides ? most - 1 : most);
    }

    /**
     * Replaces the characters that no database text can hold.
     *
     * @param text the text
     * @return the text with U+FFFD in place of each unpaired surrogate and of each U+0000
     */
    public static String repaired(String text) {
        return withoutHalves(text).replace('\u0000', '\uFFFD');
    }

    /**
     * Replaces unpaired surrogates, which UTF-8 cannot encode.
     *
     * @param text the text
     * @return the text with U+FFFD in place of each unpaired surrogate
     */
    public static String withoutHalves(String text) {
        StringBuilder whole = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            whole = whole == null ? new StringBuilder(text) : whole;
            whole.setCharAt(i, '\uFFFD');
        }
        return whole == null ? text : whole.toString();
    }
}
