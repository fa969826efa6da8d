package agentbus.console.browser;

import com.microsoft.playwright.options.ColorScheme;

/**
 * How a browser shows a page.
 *
 * @param name for names of files
 * @param width in CSS pixels
 * @param height in CSS pixels
 * @param scheme the theme that the person's system asks for
 */
record Look(String name, int width, int height, ColorScheme scheme) {
    static final Look WIDE = new Look("1280-light", 1280, 800, ColorScheme.LIGHT);
    static final Look WIDE_DARK = new Look("1280-dark", 1280, 800, ColorScheme.DARK);
    static final Look PHONE = new Look("360-light", 360, 740, ColorScheme.LIGHT);
    static final Look PHONE_DARK = new Look("360-dark", 360, 740, ColorScheme.DARK);

    @Override
    public String toString() {
        return name;
    }
}
