package agentbus.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.backup.ExportCommand;
import agentbus.backup.RestoreCommand;
import agentbus.backup.RestoreDrillCommand;
import agentbus.bench.BenchCommand;
import agentbus.cli.VersionCommand;
import agentbus.cli.WeekOneCommand;
import agentbus.contract.Contract;
import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.demo.DemoCommand;
import agentbus.eval.EvalCommand;
import agentbus.hawtio.HawtioCommand;
import agentbus.imports.ImportOpenclawCronsCommand;
import agentbus.orders.PreviewCommand;
import agentbus.start.RunCommand;
import agentbus.vault.ExportVaultCommand;
import agentbus.vault.ImportVaultCommand;
import agentbus.vault.VerifyVaultCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Model.CommandSpec;

/** Every link, path, command, flag and setting that a document names exists. Dated pages in docs/log tell of their own day. */
class NamesTest {
    private static final String ROOTS = "(?:agents|config|docs|gateway|ops|sql|src|\\.ci|\\.mvn)";
    private static final Pattern PATH =
            Pattern.compile("(?<![\\w./-])" + ROOTS + "/(?:[\\w./*…{}-]|<[^>\n]*>)*(?:[\\w*…}/]|<[^>\n]*>)");
    private static final Pattern TEST = Pattern.compile("\\b[A-Z][A-Za-z]+Test\\b");
    private static final Pattern SETTING = Pattern.compile("agentbus\\.[a-z]+\\.[a-z-]+(?:\\.[a-z-]+)?");
    private static final Pattern COMMAND = Pattern.compile("\\./agentbus ([a-z][a-z-]*)((?: [^`|;&)]*)?)");
    private static final Pattern FLAG = Pattern.compile("(?<=\\s)--[a-z-]+");
    /** Parts of the names that a guide lets its reader make: files, a test class, an operation. */
    private static final Set<String> MADE_BY_THE_READER =
            Set.of("agents/librarian", "take-from-inbox.camel.yaml", "/links/", "__links.sql", "LinksTest", "add-link");

    private static final Map<String, Set<String>> FLAGS = flags();
    private static final Set<Path> FILES = files();

    static Stream<MarkdownPage> pages() {
        return MarkdownPage.all().filter(page -> !page.file().startsWith("docs/log"));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void every_relative_link_leads_to_a_file_and_a_heading(MarkdownPage page) {
        List<String> dead = new ArrayList<>();
        for (String link : page.links()) {
            if (link.matches("[a-z]+:.*")) {
                continue;
            }
            String[] parts = link.split("#", 2);
            Path target = parts[0].isEmpty()
                    ? page.file()
                    : page.file().resolveSibling(parts[0]).normalize();
            boolean headed = parts.length == 1
                    || Files.isRegularFile(target)
                            && MarkdownPage.read(target).anchors().contains(parts[1]);
            if (!Files.exists(target) || !headed) {
                dead.add(link);
            }
        }
        assertEquals(List.of(), dead);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void every_path_of_the_repository_exists(MarkdownPage page) {
        assertEquals(List.of(), missing(String.join("\n", page.code()) + "\n" + String.join("\n", page.fenced())));
    }

    static Stream<Path> sources() {
        return Stream.concat(
                Stream.of("src/main", "sql", "agents", "gateway")
                        .flatMap(root -> SourceFiles.below(
                                root, ".java", ".sql", ".yaml", ".properties", ".sh", ".json5", ".js", ".mustache")
                                .stream()),
                Stream.of("agentbus", "compose.yaml", "pom.xml", ".ci/run").map(Path::of));
    }

    @ParameterizedTest
    @MethodSource("sources")
    void every_document_that_a_source_names_exists(Path source) {
        List<String> missing = missing(SourceFiles.text(source)).stream()
                .filter(path -> path.startsWith("docs/"))
                // A decision may be named by its number alone.
                .filter(path -> FILES.stream().noneMatch(file -> file.toString().startsWith(path)))
                .toList();
        assertEquals(List.of(), missing);
    }

    private static List<String> missing(String text) {
        return PATH.matcher(text)
                .results()
                .map(MatchResult::group)
                .filter(path -> MADE_BY_THE_READER.stream().noneMatch(path::contains))
                .filter(path -> !exists(path))
                .toList();
    }

    /** Whether there is such a file or directory; a part in angle brackets, a star and an ellipsis stand for anything. */
    private static boolean exists(String path) {
        String pattern = path.replaceAll("/+$", "").replaceAll("<[^>/]+>|…|\\*+", "*");
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        return FILES.stream().anyMatch(matcher::matches);
    }

    private static Set<Path> files() {
        try (Stream<Path> top = Files.list(Path.of("."))) {
            Set<Path> all = new TreeSet<>();
            for (Path root : top.map(Path::normalize).toList()) {
                if (!Set.of("target", "data", ".git").contains(root.toString())) {
                    try (Stream<Path> below = Files.walk(root)) {
                        below.forEach(all::add);
                    }
                }
            }
            return all;
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void every_test_class_exists(MarkdownPage page) {
        Set<String> classes = SourceFiles.below("src/test/java", "Test.java").stream()
                .map(file -> file.getFileName().toString().replace(".java", ""))
                .collect(Collectors.toSet());
        Set<String> named = TEST.matcher(String.join("\n", page.lines()))
                .results()
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        named.removeAll(classes);
        named.removeAll(MADE_BY_THE_READER);
        assertEquals(Set.of(), named);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void every_setting_exists(MarkdownPage page) {
        Set<String> known = ReferenceTablesTest.settings().keySet();
        Set<String> unknown = new TreeSet<>();
        for (String line : page.lines()) {
            // An error that quotes a mistyped name, and the file of own settings.
            if (!line.contains("is no setting") && !line.contains("--set agentbus.http.prot=")) {
                SETTING.matcher(line)
                        .results()
                        .map(found -> found.group()
                                .replace(".east.", ".")
                                .replaceFirst("(password|token)-file$", "$1")
                                .replaceFirst("\\.+$", ""))
                        .filter(key -> !known.contains(key) && !key.matches("agentbus\\.(openapi|db)\\..*"))
                        .forEach(unknown::add);
            }
        }
        assertEquals(Set.of(), unknown);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void every_command_and_flag_exists(MarkdownPage page) {
        List<String> unknown = new ArrayList<>();
        Stream.concat(page.code().stream(), page.fenced().stream())
                .flatMap(text -> COMMAND.matcher(text).results())
                .forEach(call -> {
                    Set<String> flags = FLAGS.get(call.group(1));
                    if (flags == null) {
                        if (!MADE_BY_THE_READER.contains(call.group(1))) {
                            unknown.add(call.group(1));
                        }
                    } else {
                        FLAG.matcher(" " + call.group(2).replaceAll("'[^']*'|#.*", "''"))
                                .results()
                                .map(MatchResult::group)
                                // The guide on errors shows a mistyped one.
                                .filter(flag -> !flags.contains(flag) && !flag.equals("--subjct"))
                                .forEach(flag -> unknown.add(call.group(1) + " " + flag));
                    }
                });
        assertEquals(List.of(), unknown);
    }

    private static Map<String, Set<String>> flags() {
        Map<String, Set<String>> flags = new HashMap<>();
        for (Operation operation : Contract.load().operations()) {
            Set<String> known = new TreeSet<>(
                    Set.of("--json", "--url", "--token-file", "--http-timeout-seconds", "--help", "--version"));
            for (Input input : operation.inputs()) {
                known.add("--" + input.kebabName());
                if (input.type().equals("boolean")) {
                    known.add("--no-" + input.kebabName());
                }
            }
            flags.put(operation.kebabName(), known);
        }
        Map<String, CommandSpec> others = Map.of(
                "run", CommandSpec.forAnnotatedObject(new RunCommand(System.out, Map.of())),
                "demo", CommandSpec.forAnnotatedObject(new DemoCommand(System.out, Map.of(), null)),
                "bench", new BenchCommand(NamesTest.class, System.out, System.err, Map.of()).spec(),
                "eval", CommandSpec.forAnnotatedObject(new EvalCommand(System.out, Map.of())),
                "hawtio", CommandSpec.forAnnotatedObject(new HawtioCommand(System.out, Map.of())),
                "preview-schedule", CommandSpec.forAnnotatedObject(new PreviewCommand(System.out)),
                "version", CommandSpec.forAnnotatedObject(new VersionCommand(System.out)),
                "week-one", WeekOneCommand.spec(Contract.load(), System.out, Map.of()),
                "import-openclaw-crons",
                        CommandSpec.forAnnotatedObject(
                                new ImportOpenclawCronsCommand(System.in, System.out, () -> null)));
        others.forEach((name, spec) -> flags.put(name, spec.optionsMap().keySet()));
        Map<String, CommandSpec> backup = Map.of(
                "export", CommandSpec.forAnnotatedObject(new ExportCommand(System.out, Map.of())),
                "restore", CommandSpec.forAnnotatedObject(new RestoreCommand(System.out, Map.of())),
                "export-vault", CommandSpec.forAnnotatedObject(new ExportVaultCommand(System.out, Map.of())),
                "verify-vault", CommandSpec.forAnnotatedObject(new VerifyVaultCommand(System.out, Map.of())),
                "import-vault",
                        CommandSpec.forAnnotatedObject(
                                new ImportVaultCommand(Contract.load(), System.in, System.out, Map.of())),
                "restore-drill", CommandSpec.forAnnotatedObject(new RestoreDrillCommand(System.out, Map.of(), null)));
        backup.forEach((name, spec) -> flags.put(name, spec.optionsMap().keySet()));
        return flags;
    }
}
