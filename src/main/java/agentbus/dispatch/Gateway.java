package agentbus.dispatch;

import java.net.URI;
import java.util.Locale;

/**
 * An OpenClaw gateway, as the settings of this node describe it.
 *
 * @param name its name in the bus
 * @param url its address, without a path and without credentials
 * @param form the form of its hook calls
 * @param token its hook token; when empty, this node sends it no work
 * @param operatorToken its operator token; when empty, this node cannot stop its runs
 * @param maxInFlight the most runs at once
 * @param runEndSeconds how long a run keeps its place after its attempt while its end is not reported, in seconds
 */
public record Gateway(
        String name, URI url, Form form, String token, String operatorToken, int maxInFlight, int runEndSeconds) {
    /** The forms of a hook call. */
    public enum Form {
        /**
         * {@code POST /hooks/job/<agent>}: a mapping in the gateway's configuration decides session, channel and
         * limits.
         */
        MAPPED,
        /** {@code POST /hooks/agent}: the call carries all options, and the gateway wraps the message as untrusted. */
        DIRECT;

        /**
         * Reads a form's name in the settings.
         *
         * @param name mapped or direct
         * @return the form
         */
        public static Form named(String name) {
            return valueOf(name.toUpperCase(Locale.ROOT));
        }

        /** The form's name in settings and in the database. */
        public String setting() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whether this node can send work to the gateway. */
    public boolean hasHookToken() {
        return !token.isEmpty();
    }

    /** Whether this node can stop the gateway's runs. */
    public boolean hasOperatorToken() {
        return !operatorToken.isEmpty();
    }

    /**
     * Masks this gateway's tokens in a text that may quote a request to it.
     *
     * @param text the text
     * @return the text with {@code <token>} in place of each token
     */
    public String withoutTokens(String text) {
        String masked = hasHookToken() ? text.replace(token, "<token>") : text;
        return hasOperatorToken() ? masked.replace(operatorToken, "<token>") : masked;
    }

    /** Keeps the tokens out of logs. */
    @Override
    public String toString() {
        return "Gateway[" + name + ", " + url + "]";
    }
}
