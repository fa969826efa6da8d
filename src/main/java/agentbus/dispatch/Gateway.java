package agentbus.dispatch;

import java.net.URI;
import java.util.Locale;

/**
 * One OpenClaw gateway, as this node reaches it.
 *
 * @param name its name in the bus
 * @param url its address, without a path and without credentials
 * @param form how it is asked to start a run
 * @param token its hook token, empty when this node has none: then nothing is dispatched to it
 * @param operatorToken its own token, empty when this node has none: then its runs cannot be stopped
 * @param maxInFlight runs at once
 */
public record Gateway(String name, URI url, Form form, String token, String operatorToken, int maxInFlight) {
    /** How a gateway is asked to start a run. */
    public enum Form {
        /** {@code POST /hooks/job/<agent>}: the gateway's own mapping decides session, delivery and limits. */
        MAPPED,
        /** {@code POST /hooks/agent}: the call says it all; the gateway wraps the message as untrusted. */
        DIRECT;

        /**
         * The form with a setting's name.
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

    /** Whether this node may give it work. */
    public boolean hasHookToken() {
        return !token.isEmpty();
    }

    /** Whether this node may tell it to stop a run. */
    public boolean hasOperatorToken() {
        return !operatorToken.isEmpty();
    }

    /**
     * A text that may quote what was sent to the gateway, without its tokens.
     *
     * @param text the text
     * @return the text with a mark in place of each token
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
