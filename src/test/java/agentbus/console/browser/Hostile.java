package agentbus.console.browser;

/** Texts that a page must show as they are: markup, scripts, links, control characters, and one very long word. */
final class Hostile {
    /** Would run a script if it reached the page as markup; {@code window.hacked} says so. */
    static final String MARKUP = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>"
            + "<a href=\"javascript:window.hacked=1\">click</a>";

    /** The same as Markdown, for pages that render it. */
    static final String MARKDOWN = "[click](javascript:window.hacked=1) ![x](https://example.org/x.png) " + MARKUP;

    /** Turns the reading order of everything behind it, unless the page isolates the text. */
    static final String REVERSED = "\u202Egnp.exe\u202C \u2066isolated\u2069";

    /** Chosen: longer than any screen, and allowed by the contract's longest texts where they hold 10,000 characters. */
    static final int WORD_LENGTH = 10_000;

    /** One word without a place to break it. */
    static final String WORD = "w".repeat(WORD_LENGTH);

    private Hostile() {}

    /** The markup, the reversed text and as much of the word as a field of this length takes. */
    static String text(int length) {
        String all = MARKUP + " " + REVERSED + " " + WORD;
        return all.substring(0, Math.min(length, all.length()));
    }
}
