package agentbus.console.browser;

/**
 * A screen that a page is shown on.
 *
 * @param width in CSS pixels
 * @param height in CSS pixels
 * @param touch whether a finger points
 */
record Screen(int width, int height, boolean touch) {
    static final Screen WIDE = new Screen(1280, 800, false);
    static final Screen PHONE = new Screen(360, 740, true);

    @Override
    public String toString() {
        return String.valueOf(width);
    }
}
