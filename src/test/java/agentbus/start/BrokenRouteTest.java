package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A mistake in a route file is one line: the file, the line in it, the route, the mistake. */
@ExtendWith(PostgresExtension.class)
class BrokenRouteTest {
    @TempDir
    Path home;

    private final TestDatabase database;

    BrokenRouteTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void forgetTheServerKey() {
        database.clear();
    }

    private String failure(String route) throws IOException {
        Files.createDirectories(home.resolve("routes"));
        Files.writeString(home.resolve("routes/mine.camel.yaml"), route);
        Settings settings = Settings.load(home, Map.of(), TestBus.settings(database.url(), null));
        return assertThrows(StartFailure.class, () -> Bus.start(settings, Map.of(), List.of(), Map.of()))
                .getMessage();
    }

    /** A route from a timer with one step. */
    private static String withStep(String... lines) {
        return "- route:\n    id: mine\n    from:\n      uri: timer:x\n      steps:\n        - "
                + String.join("\n          ", lines) + "\n";
    }

    private static String from(String... lines) {
        return "- route:\n    id: mine\n    from:\n      " + String.join("\n      ", lines)
                + "\n      steps:\n        - log: a\n";
    }

    @Test
    void yaml_that_cannot_be_read() throws IOException {
        assertEquals(
                "routes/mine.camel.yaml:7: not YAML: found unexpected end of stream while scanning a quoted scalar, begun"
                        + " in line 4",
                failure(from("uri: \"timer:x")));
        assertEquals(
                "routes/mine.camel.yaml:3: not YAML: expected <block end>, but found '<block mapping start>' while parsing"
                        + " a block mapping, begun in line 1",
                failure("- route:\n    id: mine\n   from:\n      uri: timer:x\n"));
        assertEquals("routes/mine.camel.yaml: the file is empty", failure(""));
    }

    @Test
    void a_file_in_another_encoding_is_told_with_its_line() throws IOException {
        Path file = Files.createDirectories(home.resolve("routes")).resolve("mine.camel.yaml");
        Files.write(file, "# a\n# K\u00f6ln\n".getBytes(StandardCharsets.ISO_8859_1));
        Settings settings = Settings.load(home, Map.of(), TestBus.settings(database.url(), null));
        assertEquals(
                "routes/mine.camel.yaml cannot be read: line 2 has the byte 0xF6, which is not UTF-8 (it may be Latin-1);"
                        + " save it as UTF-8",
                assertThrows(StartFailure.class, () -> Bus.start(settings, Map.of(), List.of(), Map.of()))
                        .getMessage());
    }

    @Test
    void a_byte_order_mark_is_no_part_of_a_route_file() throws IOException {
        Path file = Files.createDirectories(home.resolve("routes")).resolve("mine.camel.yaml");
        Files.writeString(file, "\uFEFF" + from("uri: timer:x"));
        Settings settings = Settings.load(home, Map.of(), TestBus.settings(database.url(), null));
        try (Bus bus = Bus.start(settings, Map.of(), List.of(), Map.of())) {
            assertNotNull(bus.camel().getRoute("mine"));
        }
    }

    @Test
    void a_route_may_use_a_bean_of_a_file_that_comes_later() throws IOException {
        Path own = Files.createDirectories(home.resolve("routes"));
        Files.writeString(own.resolve("a.camel.yaml"), withStep("bean:", "  ref: later", "  method: size"));
        Files.writeString(
                own.resolve("b.camel.yaml"), "- beans:\n    - name: later\n      type: java.util.ArrayList\n");
        Settings settings = Settings.load(home, Map.of(), TestBus.settings(database.url(), null));
        try (Bus bus = Bus.start(settings, Map.of(), List.of(), Map.of())) {
            assertNotNull(bus.camel().getRoute("mine"));
        }
    }

    @Test
    void camel_is_shown_the_files_only_when_it_collects_their_routes() throws Exception {
        Path file = home.resolve("mine.camel.yaml");
        Files.writeString(file, from("uri: timer:x"));
        RoutesReadOnce collector = new RoutesReadOnce();
        CamelContext camel = new DefaultCamelContext();
        try {
            assertEquals(
                    List.of(), List.copyOf(collector.findRouteResourcesFromDirectory(camel, null, "file:" + file)));
            assertEquals(
                    1,
                    collector
                            .collectRoutesFromDirectory(camel, null, "file:" + file)
                            .size());
        } finally {
            camel.stop();
        }
    }

    @Test
    void a_file_that_is_no_list_is_not_passed_over_in_silence() throws IOException {
        assertEquals(
                "routes/mine.camel.yaml: a route file is a list, and this is none; begin with - route:, - beans: or the like",
                failure("# mine\nroute:\n  id: mine\n  from:\n    uri: timer:x\n    steps:\n      - log: a\n"));
    }

    @Test
    void an_on_exception_that_would_have_no_effect_is_refused() throws IOException {
        assertEquals(
                "routes/mine.camel.yaml: an onException has no effect on a file's routes, because failures go to the caller"
                        + " by default; put it into a routeConfiguration with an id, and name that id in the route's"
                        + " routeConfigurationId",
                failure("- onException:\n    exception: [java.lang.Exception]\n    handled:\n      constant: \"true\"\n"
                        + from("uri: timer:x")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "logg: a         | :6: logg is no step and no element of a route file",
                "to: kafka:x     | :6: route mine: kafka is no component here",
                "to: tmer:x      | :6: route mine: tmer is no component here; did you mean timer?",
                "to: direct:b?blok=true | :6: route mine: blok is no option of direct; did you mean block?",
                "to: direct:b?block=may | :6: route mine: the option block cannot be \"may\"",
                "bean: nobody    | :6: route mine: nobody is no bean here",
                "bean: promts    | :6: route mine: promts is no bean here; did you mean prompts?",
                "to: sql:classpath:sql/none.sql | :4: route mine: there is no file classpath:sql/none.sql",
                "to: direct:{{no.such.key}} | :6: route mine: no.such.key is no setting, and the placeholder {{no.such.key}} needs it",
            })
    void a_step_with_a_mistake(String step, String told) throws IOException {
        assertEquals("routes/mine.camel.yaml" + told, failure(withStep(step)));
    }

    @Test
    void a_step_with_a_wrong_key_method_or_language() throws IOException {
        assertEquals(
                "routes/mine.camel.yaml:8: lvl is no key that may stand here",
                failure(withStep("log:", "  message: a", "  lvl: INFO")));
        assertEquals(
                "routes/mine.camel.yaml:6: route mine: Prompts has no method run",
                failure(withStep("bean:", "  ref: prompts", "  method: run")));
        assertEquals(
                "routes/mine.camel.yaml:6: route mine: jq is no language here",
                failure(withStep("setBody:", "  jq: .a")));
        assertEquals(
                "routes/mine.camel.yaml:6: route mine: Unknown function: bdy",
                failure(withStep("setBody:", "  simple: ${bdy}")));
    }

    @Test
    void a_beginning_with_a_mistake() throws IOException {
        assertEquals(
                "routes/mine.camel.yaml:4: route mine: perod is no option of timer; did you mean period?",
                failure(from("uri: timer:x", "parameters:", "  perod: 100")));
        assertEquals(
                "routes/mine.camel.yaml:4: route mine: the option period cannot be \"soon\"",
                failure(from("uri: timer:x", "parameters:", "  period: soon")));
        assertEquals(
                "routes/mine.camel.yaml:4: route mine: another route begins with direct:claim-jobs, too",
                failure(from("uri: direct:claim-jobs")));
        assertEquals(
                "routes/mine.camel.yaml:4: route mine: the route has no steps",
                failure("- route:\n    id: mine\n    from:\n      uri: timer:x\n"));
    }

    @Test
    void a_route_id_that_is_taken() throws IOException {
        assertEquals(
                "routes/phase-1-spine/dispatch/wake-dispatch.camel.yaml and routes/mine.camel.yaml:2: two routes have the id"
                        + " wake-dispatch; each needs one of its own",
                failure(from("uri: timer:x").replace("id: mine", "id: wake-dispatch"))
                        .replaceFirst("(wake-dispatch.camel.yaml):\\d+", "$1"));
    }
}
