package agentbus;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The few rules that no change may break: which package may know which, and where names and SQL may stand. */
class ArchitectureTest {
    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("agentbus", "routes");

    /** Lower floors first; a package depends on its own floor and those below. One that is not named here is on the beans' floor. */
    private static final List<Set<String>> FLOORS = List.of(
            Set.of("agentbus.text", "agentbus.beans", "agentbus.settings"),
            Set.of("agentbus.db", "agentbus.contract", "agentbus.fleet"),
            Set.of("agentbus.health", "agentbus.calls", "agentbus.dispatch", "agentbus.orders", "routes.pgevent"),
            Set.of(
                    "agentbus.http",
                    "agentbus.mcp",
                    "agentbus.console",
                    "agentbus.cli",
                    "agentbus.imports",
                    "agentbus.backup",
                    "agentbus.vault",
                    "agentbus.eval"),
            Set.of("agentbus.demo", "agentbus.bench", "agentbus.start"),
            Set.of("agentbus"));

    private static final int BEANS_FLOOR = 2;

    /** Files whose Java may hold SQL, each with the reason. */
    private static final Map<String, String> SQL_IN_JAVA = Map.of(
            "agentbus/db/Database.java", "asks the server's version before there is a schema",
            "agentbus/db/EmbeddedServer.java", "asks a server for its data directory",
            "agentbus/db/LockWatch.java", "asks for whom the migration waits",
            "agentbus/db/Migrations.java", "locks and checks around the scripts",
            "agentbus/db/PoolerCheck.java", "asks for the server session before there is a schema",
            "agentbus/db/SchemaMark.java", "asks whether the scripts are those of the last start",
            "agentbus/db/ServerRoles.java", "makes the roles and the database of the own server",
            "agentbus/db/Sessions.java", "sets up each session",
            "routes/pgevent/Listening.java", "LISTEN takes no parameter; the channel is quoted",
            "routes/pgevent/NotifyProducer.java", "a component's own statement, the same for every route");

    /** Files whose Java may name operations, each with the reason. */
    private static final Map<String, String> OPERATIONS_IN_JAVA = Map.of(
            "agentbus/bench/CallTime.java", "measures one command as a person calls it",
            "agentbus/cli/WeekOne.java", "calls the bus from outside, as an agent and an operator do",
            "agentbus/vault/References.java", "a note names the command that shows a row of the ledger");

    /** The packages of a call of the command line. */
    private static final Set<String> OF_A_CALL = Set.of("agentbus.cli", "agentbus.contract", "agentbus.text");

    private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"");
    private static final Pattern SQL = Pattern.compile(
            "\\s*(select\\s|insert\\s+into\\s|update\\s+\\w+\\s+set\\s|delete\\s+from\\s|create\\s+(or|table|index|schema"
                    + "|database|function)\\b|alter\\s+\\w+\\s|drop\\s+\\w+\\s|truncate\\s|listen\\s|unlisten\\s).*",
            Pattern.CASE_INSENSITIVE);

    @Test
    void no_two_packages_depend_on_each_other() {
        slices().assignedFrom(eachPackage()).should().beFreeOfCycles().check(PRODUCT);
    }

    @Test
    void settings_know_nothing_of_ours_but_text() {
        noClasses()
                .that()
                .resideInAPackage("agentbus.settings")
                .should()
                .dependOnClassesThat(ours().and(DescribedPredicate.not(resideInAPackage("agentbus.settings")))
                        .and(DescribedPredicate.not(resideInAPackage("agentbus.text"))))
                .check(PRODUCT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"agentbus.start", "agentbus.demo", "agentbus.bench"})
    void only_the_program_knows(String roof) {
        noClasses()
                .that()
                .resideOutsideOfPackage(roof)
                .and()
                .doNotHaveFullyQualifiedName("agentbus.Main")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(roof)
                .check(PRODUCT);
    }

    @Test
    void no_package_depends_on_a_floor_above_its_own() {
        Set<String> upward = new TreeSet<>();
        for (JavaClass each : PRODUCT) {
            for (Dependency dependency : each.getDirectDependenciesFromSelf()) {
                JavaClass target = dependency.getTargetClass().getBaseComponentType();
                if (ours().test(target) && floor(target.getPackageName()) > floor(each.getPackageName())) {
                    upward.add(each.getName() + " -> " + target.getName());
                }
            }
        }
        assertEquals(Set.of(), upward);
    }

    @Test
    void a_call_needs_only_the_libraries_that_its_class_path_has() {
        Set<String> given = CallLibraries.names();
        Set<String> found = new TreeSet<>();
        Set<String> others = new TreeSet<>();
        for (JavaClass each : PRODUCT) {
            if (OF_A_CALL.contains(each.getPackageName())) {
                for (Dependency dependency : each.getDirectDependenciesFromSelf()) {
                    JavaClass target = dependency.getTargetClass().getBaseComponentType();
                    boolean known = ours().test(target)
                            ? OF_A_CALL.contains(target.getPackageName())
                                    || target.getName().equals("agentbus.settings.Version")
                            : library(target).stream().peek(found::add).allMatch(given::contains);
                    if (!known) {
                        others.add(each.getName() + " -> " + target.getName());
                    }
                }
            }
        }
        assertEquals(Set.of(), others);
        assertTrue(found.contains("picocli"), "the libraries of the classes are known: " + found);
    }

    /** The library that holds a class; none for a class of the JDK. */
    private static Optional<String> library(JavaClass type) {
        return type.getSource()
                .flatMap(source -> CallLibraries.nameIn(source.getUri().toString()));
    }

    @Test
    void no_operation_is_known_by_its_name() throws IOException {
        // A name of one word is any word.
        Set<String> names = Contract.load().operations().stream()
                .filter(operation -> operation.kebabName().contains("-"))
                .flatMap(operation -> Stream.of(operation.id(), operation.kebabName()))
                .collect(Collectors.toSet());
        List<String> found = literals(text -> names.contains(text));
        found.removeIf(place -> OPERATIONS_IN_JAVA.keySet().stream().anyMatch(place::contains));
        Set<String> ids = names.stream().filter(name -> !name.contains("-")).collect(Collectors.toSet());
        for (Path route : files(Path.of("src/main/resources/routes"), ".camel.yaml")) {
            // The door for jobs is there for one operation.
            if (!route.endsWith("enqueue-job.camel.yaml")) {
                Files.readAllLines(route).stream()
                        .filter(line -> !line.strip().startsWith("#"))
                        .flatMap(line -> Stream.of(line.split("\\W+")))
                        .filter(ids::contains)
                        .forEach(word -> found.add(route + ": " + word));
            }
        }
        assertEquals(List.of(), found);
    }

    @Test
    void no_java_string_is_a_statement() throws IOException {
        List<String> found = literals(text -> SQL.matcher(text).matches());
        found.removeIf(place -> SQL_IN_JAVA.keySet().stream().anyMatch(place::contains));
        assertEquals(List.of(), found);
    }

    private static DescribedPredicate<JavaClass> ours() {
        return describe(
                "our own",
                type -> type.getPackageName().equals("agentbus")
                        || type.getPackageName().startsWith("agentbus.")
                        || type.getPackageName().startsWith("routes"));
    }

    private static SliceAssignment eachPackage() {
        return new SliceAssignment() {
            @Override
            public SliceIdentifier getIdentifierOf(JavaClass type) {
                return SliceIdentifier.of(type.getPackageName());
            }

            @Override
            public String getDescription() {
                return "each package";
            }
        };
    }

    private static int floor(String name) {
        for (int floor = 0; floor < FLOORS.size(); floor++) {
            if (FLOORS.get(floor).contains(name)) {
                return floor;
            }
        }
        return BEANS_FLOOR;
    }

    /** The string literals that a rule is about, each with its file. */
    private static List<String> literals(Predicate<String> rule) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : files(Path.of("src/main/java"), ".java")) {
            Matcher literal = LITERAL.matcher(Files.readString(file));
            while (literal.find()) {
                if (rule.test(literal.group(1))) {
                    found.add(file + ": " + literal.group(1));
                }
            }
        }
        return found;
    }

    private static List<Path> files(Path directory, String ending) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(ending)).toList();
        }
    }
}
