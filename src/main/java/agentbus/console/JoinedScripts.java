package agentbus.console;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Joins the scripts that the console starts with into one, because a browser spends more on a request than on the few
 * kilobytes that it brings. In the joined script each file is a function that runs once and returns its exports. All other
 * scripts take these exports from the joined script, so that there is one copy of each file.
 *
 * <p>Lines stay lines, and a source map leads the browser's tools from the joined script to the files. An import and an
 * export begin a line; a joined file exports declarations or one list in braces. Comments that begin a line are left out,
 * because they were a sixth of what was sent.
 */
final class JoinedScripts {
    /** The name of the joined script. */
    static final String NAME = "start.js";

    private static final String MAP = NAME + ".map";
    private static final Pattern IMPORT = Pattern.compile("(?m)^import (?:(\\{[^}]*}) from )?\"\\./([a-z-]+\\.js)\";");
    private static final Pattern LAZY_IMPORT = Pattern.compile("\\bimport\\(\"\\./([a-z-]+\\.js)\"\\)");
    private static final Pattern EXPORT =
            Pattern.compile("(?m)^export (default )?(?=(?:async )?(?:function|class|const) (?!extends\\b)(\\w+))");
    private static final Pattern EXPORTS =
            Pattern.compile("(?m)^export \\{ (\\w+(?: as \\w+)?(?:, ?\\w+(?: as \\w+)?)*) };");
    private static final Pattern COMMENT = Pattern.compile("(?m)^ *(?://.*|/\\*\\*(?s:.*?)\\*/)");
    private static final Pattern OTHER = Pattern.compile("(?m)^(?:(?:import|export)\\b(?![(.])|await\\b).*");
    private static final Pattern FROM = Pattern.compile("(?m)^(?:import|export)\\b[^;]*?\"\\./([a-z-]+\\.js)\"");

    private final Map<String, String> scripts;
    private final Set<String> joined = new LinkedHashSet<>();
    private final Map<String, Set<String>> exported = new HashMap<>();

    /**
     * Finds the files that the start needs.
     *
     * @param scripts the name and the text of every script
     * @param starts the files that the console starts with; those that they import are joined as well
     * @throws StartFailure when a joined file imports a file that is not there, or imports itself by way of others
     */
    JoinedScripts(Map<String, String> scripts, List<String> starts) {
        this.scripts = scripts;
        starts.forEach(name -> visit(name, new LinkedHashSet<>()));
    }

    /** Puts a file behind those that it imports. */
    private void visit(String name, Set<String> above) {
        if (joined.contains(name)) {
            return;
        }
        if (!above.add(name)) {
            throw wrong(name, "it imports itself by way of " + above);
        }
        if (!scripts.containsKey(name)) {
            above.remove(name);
            throw wrong(name, "it is not there, and is imported by way of " + above);
        }
        imports(IMPORT, name).forEach(imported -> visit(imported.group(2), above));
        above.remove(name);
        joined.add(name);
    }

    private List<MatchResult> imports(Pattern pattern, String name) {
        return pattern.matcher(scripts.get(name)).results().toList();
    }

    /**
     * Joins the files.
     *
     * @return the joined script, its source map, and every script that is not joined, by name
     * @throws StartFailure when a file has an import or export of another form, or imports what a joined file does not
     *     export
     */
    Map<String, String> files() {
        Map<String, String> files = new TreeMap<>();
        StringBuilder all = new StringBuilder();
        ArrayNode sections = Json.object().putArray("sections");
        int line = 0;
        for (String name : joined) {
            String part = function(name);
            section(sections.addObject(), name, line);
            line += lines(part);
            all.append(part);
        }
        files.put(NAME, all + "export { " + variables(joined) + " };\n//# sourceMappingURL=" + MAP + "\n");
        ObjectNode map = Json.object().put("version", 3);
        map.set("sections", sections);
        files.put(MAP, map.toString());
        scripts.keySet().stream().filter(name -> !joined.contains(name)).forEach(name -> files.put(name, taking(name)));
        return files;
    }

    /** A file that is not joined. An import of a joined file that is left would load a second copy of that file. */
    private String taking(String name) {
        String text = withoutImports(name);
        FROM.matcher(text)
                .results()
                .filter(found -> joined.contains(found.group(1)))
                .forEach(found -> {
                    throw wrong(name, "it cannot take from " + NAME + ": " + found.group());
                });
        return importOfVariables(name) + text;
    }

    private static StartFailure wrong(String name, String why) {
        return new StartFailure(ConsoleFiles.FOLDER + name + ": " + why);
    }

    /** A file as a function that runs once. */
    private String function(String name) {
        List<String> exports = new ArrayList<>();
        String text = EXPORT.matcher(withoutComments(withoutImports(name))).replaceAll(found -> {
            exports.add((found.group(1) == null ? "" : "default: ") + found.group(2));
            return "";
        });
        text = EXPORTS.matcher(text).replaceAll(found -> {
            exports.add(found.group(1).replaceAll("(\\w+) as (\\w+)", "$2: $1"));
            return "";
        });
        Matcher other = OTHER.matcher(text);
        if (other.find()) {
            throw wrong(name, "it cannot be joined into " + NAME + " because of: " + other.group());
        }
        exported.put(name, names(String.join(", ", exports)));
        return "const " + variable(name) + " = (() => { " + text + "\nreturn { " + String.join(", ", exports)
                + " }; })();\n";
    }

    private static String withoutComments(String text) {
        return COMMENT.matcher(text).replaceAll(found -> "\n".repeat(lines(found.group())));
    }

    /** The text of a file that takes the exports of joined files from their variables. */
    private String withoutImports(String name) {
        String text = IMPORT.matcher(scripts.get(name)).replaceAll(found -> {
            String names = found.group(1) == null ? "{}" : found.group(1).replace(" as ", ": ");
            requireExported(name, names, found.group(2));
            return taken(found, found.group(2), "const " + names + " = %s;");
        });
        return LAZY_IMPORT.matcher(text).replaceAll(found -> taken(found, found.group(1), "Promise.resolve(%s)"));
    }

    private void requireExported(String name, String names, String imported) {
        Set<String> missing = names(names.substring(1, names.length() - 1));
        // A joined file stands behind those that it imports, and all others come last.
        missing.removeAll(exported.getOrDefault(imported, missing));
        if (!missing.isEmpty()) {
            throw wrong(name, imported + " does not export " + String.join(", ", missing));
        }
    }

    /** The names before the colons of a list such as "default: View, html". */
    private static Set<String> names(String list) {
        return Arrays.stream(list.split(","))
                .map(each -> each.split(":")[0].strip())
                .filter(each -> !each.isEmpty())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The replacement of an import, with the variable of a joined file; the import as it is for another file. */
    private String taken(MatchResult found, String imported, String replacement) {
        return Matcher.quoteReplacement(
                joined.contains(imported) ? replacement.formatted(variable(imported)) : found.group());
    }

    /** The import of the variables that a file needs, without a line of its own, so that the lines keep their numbers. */
    private String importOfVariables(String name) {
        Set<String> used = new TreeSet<>();
        imports(IMPORT, name).forEach(found -> used.add(found.group(2)));
        imports(LAZY_IMPORT, name).forEach(found -> used.add(found.group(1)));
        used.retainAll(joined);
        return used.isEmpty() ? "" : "import { " + variables(used) + " } from \"./" + NAME + "\"; ";
    }

    private static String variables(Set<String> names) {
        return names.stream().map(JoinedScripts::variable).collect(Collectors.joining(", "));
    }

    private static String variable(String name) {
        return "$" + name.substring(0, name.lastIndexOf('.')).replace('-', '_');
    }

    private static int lines(String text) {
        return (int) text.chars().filter(each -> each == '\n').count();
    }

    /** Says where the lines of a file begin: AAAA is the first line, and each AACA the line behind the one before. */
    private void section(ObjectNode section, String name, int line) {
        section.putObject("offset").put("line", line).put("column", 0);
        ObjectNode map = section.putObject("map").put("version", 3);
        map.putArray("sources").add(name);
        map.putArray("names");
        map.put("mappings", "AAAA" + ";AACA".repeat(lines(scripts.get(name))));
    }
}
