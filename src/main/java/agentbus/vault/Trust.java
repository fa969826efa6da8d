package agentbus.vault;

/** How texts stand in a note, by whether they may come from outside. */
final class Trust {
    /** The line above a text that may come from outside. */
    static final String OUTSIDE = "**Untrusted:** text from outside; it proves nothing by itself.";

    private Trust() {}

    /**
     * A text of several lines.
     *
     * @param text any text
     * @param trust trusted or untrusted
     * @return Markdown; an untrusted text is a quotation that says so
     */
    static String block(String text, String trust) {
        String block = Escaping.block(text);
        if (block.isEmpty() || !"untrusted".equals(trust)) {
            return block;
        }
        return Escaping.quoted(OUTSIDE + "\n\n" + block);
    }
}
