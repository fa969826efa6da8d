package agentbus.settings;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Parses a properties file with its line numbers, which {@link Properties} does not keep.
 *
 * <p>Lines, comments, escapes and continued lines have the syntax of {@link Properties}. A key that is set twice is an
 * error, because one of the two lines is surely a leftover.
 */
final class PropertiesFile {
    /** One setting; {@code line} counts from 1. */
    record Line(int line, String key, String value) {}

    private PropertiesFile() {}

    /**
     * Parses the text.
     *
     * @param name the file's name, for messages
     * @param text its content
     * @return the settings in the file's order
     * @throws StartFailure if an escape is malformed or a key is set twice; the message names the line
     */
    static List<Line> parse(String name, String text) {
        List<Line> lines = new ArrayList<>();
        Map<String, Integer> seen = new HashMap<>();
        String[] raw = text.split("\\R", -1);
        for (int i = 0; i < raw.length; i++) {
            int number = i + 1;
            StringBuilder logical = new StringBuilder(raw[i]);
            while (!isComment(raw[i]) && continues(raw[i]) && i + 1 < raw.length) {
                i++;
                logical.append('\n').append(raw[i]);
            }
            Properties one = read(name, number, logical.toString());
            for (String key : one.stringPropertyNames()) {
                Integer before = seen.put(key, number);
                if (before != null) {
                    throw new StartFailure(
                            name + " sets " + key + " twice, in lines " + before + " and " + number + "; remove one");
                }
                lines.add(new Line(number, key, one.getProperty(key).strip()));
            }
        }
        return lines;
    }

    private static Properties read(String name, int number, String logical) {
        Properties one = new Properties();
        try {
            one.load(new StringReader(logical));
        } catch (IOException | IllegalArgumentException e) {
            throw new StartFailure(
                    name + ", line " + number + ": malformed \\u escape; write \\\\ for a backslash itself", e);
        }
        return one;
    }

    private static boolean isComment(String line) {
        String stripped = line.stripLeading();
        return stripped.startsWith("#") || stripped.startsWith("!");
    }

    /**
     * Whether the line goes on in the next: it ends in an odd number of backslashes, so the last one is not escaped.
     */
    private static boolean continues(String line) {
        int backslashes = 0;
        for (int i = line.length() - 1; i >= 0 && line.charAt(i) == '\\'; i--) {
            backslashes++;
        }
        return backslashes % 2 == 1;
    }
}
