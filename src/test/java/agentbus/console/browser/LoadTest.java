package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.WaitUntilState;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The first load of a browser without any file: few requests, and those of the start do not wait for each other. */
@ExtendWith(NeedsChromium.class)
class LoadTest {
    /** The page, its style, the script, three calls, two icons and the stream. */
    private static final int MOST_REQUESTS = 9;

    private final Console console;

    LoadTest(Console console) {
        this.console = console;
    }

    /** The addresses that a page asks for from now on. */
    private static List<String> requests(Page page) {
        List<String> asked = new ArrayList<>();
        page.onRequest(request -> asked.add(request.url()));
        return asked;
    }

    /** The requests of a page that wait until the test lets them go. */
    private static List<Route> held(Page page, String address) {
        List<Route> held = new ArrayList<>();
        page.route(address, held::add);
        return held;
    }

    @Test
    void the_list_of_needs_me_is_there_after_few_requests_and_no_file_comes_twice() {
        try (Visit visit = console.visit()) {
            List<String> asked = requests(visit.page());
            visit.page().navigate("/console/needs-me");
            visit.page().locator("main ol.needs > li").first().waitFor();
            List<String> usable = List.copyOf(asked);

            // On a slow machine a call may be repeated by then, as the stream of changes has begun.
            assertTrue(usable.stream().distinct().count() <= MOST_REQUESTS, () -> "asked for " + usable);
            List<String> files =
                    usable.stream().filter(url -> url.contains("/console/")).toList();
            assertEquals(files.stream().distinct().toList(), files);
        }
    }

    @Test
    void the_first_questions_wait_for_no_file_and_are_not_asked_twice() {
        try (Visit visit = console.visit()) {
            Page page = visit.page();
            List<Route> held = held(page, "**/start.js");
            List<String> asked = requests(page);

            page.navigate(
                    "/console/needs-me?namespace=default",
                    new Page.NavigateOptions().setWaitUntil(WaitUntilState.COMMIT));
            page.waitForCondition(() -> !held.isEmpty() && questions(asked).size() == 3);
            List<String> first = questions(asked);
            held.get(0).resume();

            page.locator("main ol.needs > li").first().waitFor();
            // The same questions of the scripts have the same addresses, and take these answers.
            assertEquals(first, questions(asked));
        }
    }

    /** The questions before the stream of changes, which begins with news that all may have changed. */
    private static List<String> questions(List<String> asked) {
        return asked.stream()
                .takeWhile(url -> !url.endsWith("/console/events"))
                .filter(url -> url.contains("/v1/"))
                .toList();
    }

    @Test
    void the_answers_of_the_start_do_not_wait_for_each_other() {
        try (Visit visit = console.visit()) {
            Page page = visit.page();
            List<Route> held = held(page, "**/v1/whoami");
            List<String> asked = requests(page);

            page.navigate("/console/jobs");
            page.waitForCondition(() -> !held.isEmpty()
                    && Stream.of("/v1/needs-me?", "/v1/pauses", "/page-jobs.js")
                            .allMatch(wanted -> asked.stream().anyMatch(url -> url.contains(wanted))));
            assertEquals(0, page.locator("nav.rail").count(), "the frame waits for the visitor");
            held.get(0).resume();

            visit.shows("Show older jobs");
        }
    }
}
