package agentbus.settings;

/**
 * A setting of agentbus.
 *
 * @param name such as {@code agentbus.http.port}
 * @param kind the values that it can have
 * @param usual the default, possibly empty
 * @param whenEmpty the effect of an empty value, in words; empty if the setting always has a value
 * @param text the description; its first sentence alone says the purpose
 */
record Setting(String name, Kind kind, String usual, String whenEmpty, String text) {
    /** The default in words, such as {@code 20} or {@code empty: the data directory}. */
    String usualInWords() {
        return usual.isEmpty() ? "empty: " + whenEmpty : usual;
    }

    /** The first sentence of the description. */
    String purpose() {
        int end = text.indexOf(". ");
        return end < 0 ? text : text.substring(0, end + 1);
    }
}
