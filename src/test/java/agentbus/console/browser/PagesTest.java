package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each page on each screen and in each theme: accessible, within its security policy, as wide as its window, and kept as a picture. */
@ExtendWith(NeedsChromium.class)
class PagesTest {
    /** The largest target below which a finger misses; the acceptance of the console asks for it on phones. */
    private static final String SMALL_TARGETS =
            """
            () => [...document.querySelectorAll('main button, main .button, nav a, header button')]
              .filter(each => each.offsetParent !== null && !each.closest('table.calendar'))
              .map(each => [each, each.getBoundingClientRect()])
              .filter(([each, box]) => box.height > 0 && (box.height < 43.5 || box.width < 24))
              .map(([each, box]) => `${each.outerHTML.slice(0, 120)} ${box.width}x${box.height}`)""";

    private static final Pattern OTHER_DATA = Pattern.compile("-(hostile|old|done|with-memories|idle)$");

    private final Console console;

    PagesTest(Console console) {
        this.console = console;
    }

    /**
     * A page of the console.
     *
     * @param name for names of files
     * @param path below /console/; {name} stands for an id of the fleet
     * @param shows a text that is there once the page has read its answer
     */
    record Place(String name, String path, String shows) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Place> places() {
        return List.of(
                new Place("needs-me", "needs-me", "need a person"),
                new Place("overview", "overview", "devops"),
                new Place("jobs", "jobs", "Show older jobs"),
                new Place("job", "jobs/{blockedJob}", "security.review"),
                new Place("job-hostile", "jobs/{hostileJob}", "background.brief"),
                new Place("orders", "orders", "devops-health-check"),
                new Place("order", "orders/devops-health-check", "All hosts answer."),
                new Place("agents", "agents", "product-metrics"),
                new Place("agent", "agents/devops", "infra.check"),
                new Place("opportunities", "opportunities", "Rotate the key"),
                new Place("opportunity", "opportunities/{opportunity}", "slot of"),
                new Place("opportunity-done", "opportunities/{done}", "Builds take 11 minutes"),
                new Place("opportunity-hostile", "opportunities/{hostileOpportunity}", "window.hacked"),
                new Place("ideas", "ideas", "Show the password"),
                new Place("idea", "ideas/{idea}", "second password"),
                new Place("idea-hostile", "ideas/{hostileIdea}", "window.hacked"),
                new Place("memories", "memories", "Restart worker"),
                new Place("memory", "memories/{memory}", "The restart was the cure."),
                new Place("memory-old", "memories/{oldMemory}", "The memory in its place"),
                new Place("memory-hostile", "memories/{hostileMemory}", "window.hacked"),
                new Place("memory-candidates", "memory-candidates", "Ask the mail host twice"),
                new Place("memory-candidate", "memory-candidates/{conflictCandidate}", "The candidate says"),
                new Place("memory-candidate-hostile", "memory-candidates/{hostileCandidate}", "window.hacked"),
                new Place("memory-reviews", "memory-reviews", "The scheduler reloads"),
                new Place("job-with-memories", "jobs/{memoryJob}?attempt=1", "Memories in the prompt"),
                new Place("idle", "idle", "The next question"),
                new Place("vault", "vault", "edited by people"),
                new Place("job-idle", "jobs/{idleJob}", "Which field has had our problem"),
                new Place("reports", "reports", "ideas digest"),
                new Place("report", "reports/{report}", "How it was made"),
                new Place("events", "events", "job."),
                new Place("audit", "audit", "operator:"),
                new Place("gateways", "gateways", "default"),
                new Place("account", "account?agent=devops", "Copy as Markdown"),
                new Place("question", "questions/{question}", "May I rotate"),
                new Place("approval", "questions/{approval}", "exactly this content"));
    }

    static Stream<Arguments> everyScreen() {
        return places().stream().flatMap(place -> screens(place).map(screen -> Arguments.of(place, screen)));
    }

    /** A page with other data than one before it is looked at where room is scarce. */
    private static Stream<Screen> screens(Place place) {
        return OTHER_DATA.matcher(place.name()).find() ? Stream.of(Screen.PHONE) : Stream.of(Screen.WIDE, Screen.PHONE);
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("everyScreen")
    void a_page_is_accessible_safe_and_no_wider_than_its_window_in_both_themes(Place place, Screen screen) {
        try (Visit visit = console.visit(screen)) {
            visit.open(console.fleet().path(place.path()), place.shows());
            for (ColorScheme theme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
                visit.page().emulateMedia(new Page.EmulateMediaOptions().setColorScheme(theme));
                visit.picture(
                        place.name() + "-" + screen.width() + "-" + theme.name().toLowerCase(Locale.ROOT));
                assertAll(
                        () -> assertEquals(
                                List.of(),
                                theme == ColorScheme.LIGHT ? visit.violations() : visit.violationsOfColours(),
                                () -> "axe, " + theme),
                        () -> assertEquals(0, visit.overhang(), "pixels beyond the window"));
            }
            assertNull(visit.page().evaluate("() => window.hacked ?? null"), "markup ran");
            if (screen == Screen.PHONE) {
                assertEquals(List.of(), visit.page().evaluate(SMALL_TARGETS), "targets too small for a finger");
            }
        }
    }
}
