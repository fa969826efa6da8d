package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ways to a page: the palette, the list of all pages, short ids, and addresses that name nothing. */
@ExtendWith(NeedsChromium.class)
class FindTest {
    private final Console console;
    private final Fleet fleet;

    FindTest(Console console) {
        this.console = console;
        this.fleet = console.fleet();
    }

    static Stream<Screen> screens() {
        return Stream.of(Screen.WIDE, Screen.PHONE);
    }

    /** Axe finds nothing in the open dialog, in both themes, and the dialog fits its window. */
    private static void assertAccessible(Visit visit, String name, Screen screen) {
        visit.dialog().waitFor();
        for (ColorScheme theme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            visit.page().emulateMedia(new Page.EmulateMediaOptions().setColorScheme(theme));
            visit.picture(name + "-" + screen.width() + "-" + theme.name().toLowerCase(Locale.ROOT));
            assertAll(
                    () -> assertEquals(List.of(), visit.violations(), () -> "axe, " + theme),
                    () -> assertEquals(0, visit.overhang(), "pixels beyond the window"));
        }
    }

    @ParameterizedTest
    @MethodSource("screens")
    void the_palette_the_pages_the_keys_and_the_dialog_of_an_act_are_accessible(Screen screen) {
        try (Visit visit = console.visit(screen)) {
            visit.open("needs-me", "need a person");
            visit.page().keyboard().press("Control+k");
            visit.page().keyboard().type("dev");
            assertAccessible(visit, "palette", screen);
            visit.page().keyboard().press("Escape");
            visit.button("More").click();
            assertAccessible(visit, "all-pages", screen);
            visit.page().keyboard().press("Escape");
            visit.page().keyboard().press("?");
            assertAccessible(visit, "keys", screen);
            visit.page().keyboard().press("Escape");
            visit.open(fleet.path("jobs/{blockedJob}"), "security.review");
            visit.page().locator("[data-page-actions] button").last().click();
            assertAccessible(visit, "act", screen);
        }
    }

    @Test
    void every_page_is_reached_from_the_bottom_bar_of_a_phone() throws IOException {
        try (Visit visit = console.visit(Screen.PHONE)) {
            visit.open("needs-me", "need a person");
            visit.button("More").click();
            Locator links = visit.dialog().locator(".pages a");
            assertThat(links).hasCount(pagesOfTheTable());
            links.filter(new Locator.FilterOptions().setHasText("Bulk actions")).click();
            assertThat(visit.page()).hasURL(console.url() + "/console/bulk");
            assertThat(visit.dialog()).hasCount(0);
        }
    }

    /** The number of lines of the console's table of pages. */
    private static int pagesOfTheTable() throws IOException {
        String table = Files.readString(Path.of("src/main/resources/console/pages.js"));
        return (int) Pattern.compile("\\bname: \"").matcher(table).results().count();
    }

    @Test
    void a_job_is_found_by_the_end_of_its_id_as_lists_show_it() {
        String job = fleet.id("blockedJob");
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            visit.page().keyboard().press("Control+k");
            visit.page().keyboard().type("…" + job.substring(job.length() - 8));
            visit.page().keyboard().press("Enter");
            visit.page().waitForURL("**/console/jobs?text=*");
            visit.shows("security.review");
            // A job that mentions the id in its payload is found, too.
            assertThat(visit.page().locator("tbody a[data-open][href$='" + job + "']"))
                    .hasCount(1);
            assertTrue(visit.page().locator("tbody tr").count() < 5);
        }
    }

    @Test
    void the_filter_of_an_address_has_the_words_of_the_search() {
        try (Visit visit = console.visit()) {
            visit.open("jobs", "Show older jobs");
            visit.page().keyboard().press("/");
            visit.page().keyboard().type("agent:devops state:succeeded");
            visit.page().keyboard().press("Enter");
            assertThat(visit.page()).hasURL(Pattern.compile("agent=devops"));
            visit.open("jobs?targetAgent=devops", "infra.check");
            assertThat(visit.page().locator(".chip")).containsText("agent: devops");
        }
    }

    @Test
    void an_address_that_names_nothing_says_so_and_shows_the_way_back() {
        try (Visit visit = console.visit().expecting("404")) {
            visit.open("nothing/here", "There is no page");
            visit.page().locator("main a").click();
            assertThat(visit.page()).hasURL(console.url() + "/console/needs-me");

            visit.open("jobs?colour=red", "“colour”");
            visit.button("Remove from the address").click();
            assertThat(visit.page()).hasURL(console.url() + "/console/jobs");
        }
    }

    @Test
    void titles_name_the_row_that_a_page_shows() {
        try (Visit visit = console.visit()) {
            visit.open(fleet.path("jobs/{blockedJob}"), "security.review");
            assertThat(visit.page())
                    .hasTitle(Pattern.compile("security\\.review for security …[0-9a-f]{8} · Job · agentbus"));
            visit.open("agents/devops", "infra.check");
            assertThat(visit.page()).hasTitle(Pattern.compile("devops · Agent · agentbus"));
            assertThat(visit.page().locator(".where a")).hasText("Agents");
            visit.open("agents", "devops");
            assertThat(visit.page()).hasTitle(Pattern.compile("(\\(\\d+\\) )?Agents · agentbus"));
        }
    }
}
