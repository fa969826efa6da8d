package agentbus.http;

import java.util.Locale;
import java.util.regex.Pattern;

/** The origins whose pages may call {@code /mcp} in a browser: those of this machine, and that of the public URL. */
public final class Origins {
    private static final Pattern THIS_MACHINE =
            Pattern.compile("https?://(localhost|127\\.0\\.0\\.1|\\[::1])(:\\d{1,5})?");

    private final String publicOrigin;

    /**
     * The origins of one bus.
     *
     * @param publicUrl the address by which agents reach the bus
     */
    public Origins(String publicUrl) {
        this.publicOrigin = of(publicUrl);
    }

    /**
     * The origin of a URL.
     *
     * @param url an absolute URL
     * @return scheme, host and port, in lower case
     */
    static String of(String url) {
        return url.replaceFirst("^([a-zA-Z]+://[^/]+).*", "$1").toLowerCase(Locale.ROOT);
    }

    /**
     * Whether pages of an origin may call.
     *
     * @param origin the value of an Origin header
     * @return true if they may
     */
    public boolean allowed(String origin) {
        String given = origin.toLowerCase(Locale.ROOT);
        return given.equals(publicOrigin) || THIS_MACHINE.matcher(given).matches();
    }
}
