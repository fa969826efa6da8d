package agentbus.http;

import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The query of a URL, as the caller wrote it. */
final class QueryString {
    private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9a-fA-F]{2})");

    private QueryString() {}

    /**
     * Reads a query.
     *
     * @param query the raw query without its question mark, or null
     * @return the values of each name, in order
     * @throws Problem 400 when a %-escape is broken
     */
    static Map<String, List<String>> parse(String query) {
        Map<String, List<String>> parameters = new LinkedHashMap<>();
        if (query == null || query.isEmpty()) {
            return parameters;
        }
        for (String pair : query.split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals), pair);
            String value = equals < 0 ? "" : decode(pair.substring(equals + 1), pair);
            parameters.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
        }
        return parameters;
    }

    /**
     * Whether a text has a percent sign that is not followed by two hex digits.
     *
     * @param text the text as it was sent, or null
     * @return true when the text cannot be decoded
     */
    static boolean hasBrokenEscape(String text) {
        return text != null && BROKEN_ESCAPE.matcher(text).find();
    }

    private static String decode(String text, String pair) {
        if (hasBrokenEscape(text)) {
            throw Problem.invalidField(
                    "query",
                    JsonNodeFactory.instance.textNode(pair),
                    "The query has a broken %-escape.",
                    "% followed by two hex digits");
        }
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
