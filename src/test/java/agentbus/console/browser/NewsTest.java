package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Request;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.WaitForSelectorState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What changes is on screen at once, a page that is not live says so, and an idle page asks nothing. */
@ExtendWith(NeedsChromium.class)
class NewsTest {
    /** A hidden tab, for a page that asks the document; Chromium without a screen hides none itself. */
    private static final String HIDDEN =
            """
            hidden => {
              Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
              Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => hidden ? 'hidden' : 'visible' });
              document.dispatchEvent(new Event('visibilitychange'));
            }""";

    private final Console console;
    private final Fleet fleet;

    NewsTest(Console console) {
        this.console = console;
        this.fleet = console.fleet();
    }

    /** Waits until the page says that it is live. */
    private static void live(Visit visit) {
        visit.page()
                .getByText("live", new Page.GetByTextOptions().setExact(true))
                .waitFor();
    }

    @Test
    void a_new_job_is_on_screen_within_two_seconds_of_its_commit() {
        try (Visit visit = console.visit()) {
            visit.open("agents/design", "Newest jobs");
            live(visit);
            long slowest = 0;
            for (int i = 0; i < 5; i++) {
                String job = fleet.enqueue("design", "flow.propose");
                long from = System.nanoTime();
                visit.page().locator("a[href$='" + job + "']").first().waitFor();
                slowest = Math.max(slowest, System.nanoTime() - from);
                console.operations().call("cancelJob", "jobId", job, "reason", "end of the test");
            }
            assertTrue(slowest < 2_000_000_000L, "the slowest of five took ms " + slowest / 1_000_000);
        }
    }

    @Test
    void a_cut_stream_is_told_within_ten_seconds_and_the_page_asks_by_itself_until_the_stream_is_back() {
        try (Wire wire = console.wire();
                Visit visit = console.visitThrough(wire).expecting("console/events")) {
            visit.open("agents/design", "Newest jobs");
            live(visit);

            wire.cutStreams();

            visit.page()
                    .locator(".banner")
                    .getByText("Not live since")
                    .waitFor(new Locator.WaitForOptions().setTimeout(10_000));
            String job = fleet.enqueue("design", "flow.propose");
            visit.page().locator("a[href$='" + job + "']").first().waitFor();

            wire.mend();

            assertThat(visit.page().locator(".banner").getByText("Not live since"))
                    .hasCount(0, new LocatorAssertions.HasCountOptions().setTimeout(40_000));
            console.operations().call("cancelJob", "jobId", job, "reason", "end of the test");
        }
    }

    @Test
    void ten_tabs_share_one_stream_and_each_hears_of_a_change() {
        try (Visit visit = console.visit()) {
            AtomicInteger streams = new AtomicInteger();
            visit.context().onRequest(request -> {
                if (request.url().endsWith("/console/events")) {
                    streams.incrementAndGet();
                }
            });
            List<Page> tabs = new ArrayList<>(List.of(visit.page()));
            for (int i = 1; i < 10; i++) {
                tabs.add(visit.context().newPage());
            }
            for (Page tab : tabs) {
                tab.navigate("/console/agents/design");
                tab.getByText("Newest jobs").first().waitFor();
            }
            String job = fleet.enqueue("design", "flow.propose");
            for (Page tab : tabs) {
                tab.bringToFront();
                tab.locator("a[href$='" + job + "']").first().waitFor();
            }
            assertEquals(1, streams.get());
            tabs.get(0).close();
            String next = fleet.enqueue("design", "flow.propose");
            tabs.get(5).bringToFront();
            tabs.get(5).locator("a[href$='" + next + "']").first().waitFor();
            assertEquals(2, streams.get(), "the next tab has taken the stream");
            for (String each : List.of(job, next)) {
                console.operations().call("cancelJob", "jobId", each, "reason", "end of the test");
            }
        }
    }

    @Test
    void a_hidden_tab_asks_nothing_and_catches_up_when_it_is_shown() {
        try (Visit visit = console.visit()) {
            visit.open("agents/design", "Newest jobs");
            live(visit);
            visit.page().evaluate(HIDDEN, true);
            List<String> asked = new ArrayList<>();
            visit.page().onRequest((Request request) -> asked.add(request.url()));
            String job = fleet.enqueue("design", "flow.propose");
            visit.page().waitForTimeout(2_000);
            assertEquals(List.of(), asked);

            visit.page().evaluate(HIDDEN, false);

            visit.page().locator("a[href$='" + job + "']").first().waitFor();
            console.operations().call("cancelJob", "jobId", job, "reason", "end of the test");
        }
    }

    @Test
    void a_visible_page_of_an_idle_bus_asks_less_than_once_in_five_seconds() {
        try (Visit visit = console.visit()) {
            visit.open("agents/design", "Newest jobs");
            live(visit);
            visit.page().waitForTimeout(1_000);
            List<String> asked = new ArrayList<>();
            visit.page().onRequest((Request request) -> asked.add(request.url()));
            visit.page().waitForTimeout(10_000);
            assertTrue(asked.size() <= 2, () -> "in ten seconds: " + asked);
        }
    }

    @Test
    void a_dialog_and_its_words_survive_a_change_of_the_page_below() {
        try (Visit visit = console.visit()) {
            visit.open("agents/design", "Newest jobs");
            visit.button("Pause").click();
            visit.dialog().getByLabel("Reason").fill("half a sen");
            String job = fleet.enqueue("design", "flow.propose");
            visit.page()
                    .locator("a[href$='" + job + "']")
                    .first()
                    .waitFor(new Locator.WaitForOptions().setState(WaitForSelectorState.ATTACHED));
            assertThat(visit.dialog().getByLabel("Reason")).hasValue("half a sen");
            assertThat(visit.dialog().getByLabel("Reason")).isFocused();
            visit.button("Leave it").click();
            console.operations().call("cancelJob", "jobId", job, "reason", "end of the test");
        }
    }
}
