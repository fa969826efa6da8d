package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The look of the SQL files: short lines, explained functions, one place for each function. */
class SqlStyleTest {
    private static final Path SQL = Path.of("sql");
    private static final int LONGEST_LINE = 110;
    private static final Pattern FUNCTION = Pattern.compile("^create (?:or replace )?function (\\w+)");
    private static final Pattern COMMENT_ON_FUNCTION = Pattern.compile("^comment on function (\\w+)\\(([^)]*)\\)");
    private static final Pattern REPEATABLE = Pattern.compile("R__[a-z][a-z_]*\\.sql");

    @Test
    void no_line_is_longer_than_110_characters_outside_of_string_literals() {
        List<String> found = new ArrayList<>();
        for (Path file : files(SQL)) {
            List<String> lines = withoutLiterals(file);
            for (int i = 0; i < lines.size(); i++) {
                int length = lines.get(i).length();
                if (length > LONGEST_LINE) {
                    found.add(file + ":" + (i + 1) + " has " + length + " characters");
                }
            }
        }
        assertNone(found);
    }

    @Test
    void a_paragraph_stands_before_each_function_and_an_operation_may_have_a_comment_on_it_instead() {
        List<String> found = new ArrayList<>();
        for (Path file : files(SQL.resolve("functions"))) {
            List<String> lines = read(file);
            List<String> commented = lines.stream()
                    .map(COMMENT_ON_FUNCTION::matcher)
                    .filter(Matcher::find)
                    .map(matcher -> matcher.group(1))
                    .toList();
            for (int i = 0; i < lines.size(); i++) {
                Matcher function = FUNCTION.matcher(lines.get(i));
                if (function.find()
                        && !commented.contains(function.group(1))
                        && (i == 0 || !lines.get(i - 1).startsWith("-- "))) {
                    found.add(file + ":" + (i + 1) + " " + function.group(1) + " has no paragraph before it");
                }
            }
        }
        assertNone(found);
    }

    @Test
    void only_operations_have_a_comment_on_their_function() {
        List<String> found = new ArrayList<>();
        for (Path file : files(SQL.resolve("functions"))) {
            List<String> lines = read(file);
            for (int i = 0; i < lines.size(); i++) {
                Matcher comment = COMMENT_ON_FUNCTION.matcher(lines.get(i));
                if (comment.find() && !comment.group(2).equals("jsonb, jsonb")) {
                    found.add(file + ":" + (i + 1) + " " + comment.group(1)
                            + " is no operation; its explanation belongs in a paragraph before it");
                }
            }
        }
        assertNone(found);
    }

    @Test
    void no_function_is_defined_twice() {
        List<String> found = new ArrayList<>();
        Map<String, String> places = new HashMap<>();
        for (Path file : files(SQL.resolve("functions"))) {
            List<String> lines = read(file);
            for (int i = 0; i < lines.size(); i++) {
                Matcher function = FUNCTION.matcher(lines.get(i));
                if (function.find()) {
                    String place = file + ":" + (i + 1);
                    String first = places.putIfAbsent(function.group(1), place);
                    if (first != null) {
                        found.add(place + " " + function.group(1) + " is defined in " + first + " already");
                    }
                }
            }
        }
        assertNone(found);
    }

    @Test
    void names_of_function_and_view_files_say_what_is_in_them_and_no_number() {
        List<String> found = new ArrayList<>();
        for (String folder : List.of("functions", "views")) {
            for (Path file : files(SQL.resolve(folder))) {
                if (!REPEATABLE.matcher(file.getFileName().toString()).matches()) {
                    found.add(file + ":1 is not named R__<words>.sql");
                }
            }
        }
        assertNone(found);
    }

    private static void assertNone(List<String> found) {
        assertEquals(List.of(), found, () -> found.size() + " places:\n" + String.join("\n", found));
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".sql"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> read(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of a file with every string literal empty; literals in single quotes, which may go over several lines. */
    private static List<String> withoutLiterals(Path file) {
        List<String> lines = new ArrayList<>();
        boolean literal = false;
        for (String line : read(file)) {
            StringBuilder kept = new StringBuilder();
            for (int i = 0; i < line.length(); i++) {
                char c = line.charAt(i);
                if (!literal && line.startsWith("--", i)) {
                    kept.append(line, i, line.length());
                    break;
                }
                if (c == '\'') {
                    literal = !literal;
                    kept.append(c);
                } else if (!literal) {
                    kept.append(c);
                }
            }
            lines.add(kept.toString());
        }
        return lines;
    }
}
