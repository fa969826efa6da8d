package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The address is the place: reload and Back lead to the same rows, scroll and focus. */
@ExtendWith(NeedsChromium.class)
class PlaceTest {
    private final Console console;

    PlaceTest(Console console) {
        this.console = console;
    }

    private static int scroll(Page page) {
        return ((Number) page.evaluate("() => Math.round(scrollY)")).intValue();
    }

    @Test
    void the_count_of_needs_me_has_one_line_with_three_digits_too() {
        try (Visit visit = console.visit()) {
            Page page = visit.page();
            page.navigate("/console/needs-me");
            Locator count = page.locator("nav.rail .badge");
            count.waitFor();
            for (String digits : List.of("12", "123")) {
                count.evaluate("(element, text) => { element.textContent = text; }", digits);
                assertTrue(
                        count.boundingBox().height < 30, () -> digits + " has " + count.boundingBox().height + " px");
                assertEquals(
                        true,
                        page.locator("nav.rail").evaluate("rail => rail.scrollWidth <= rail.clientWidth"),
                        digits);
            }
        }
    }

    @Test
    void back_from_a_job_restores_the_filter_the_scroll_and_the_focus_of_the_list() {
        try (Visit visit = console.visit()) {
            Page page = visit.page();
            visit.open("jobs?state=succeeded&targetAgent=devops", "infra.check");
            page.locator("[data-open]").nth(20).scrollIntoViewIfNeeded();
            page.locator("[data-open]").nth(20).focus();
            String focused = (String) page.evaluate("() => document.activeElement.id");
            int before = scroll(page);
            assertTrue(before > 0, "the list is longer than the window");
            page.keyboard().press("Enter");
            page.waitForURL("**/console/jobs/*");
            visit.shows("Timeline");

            page.goBack();

            page.locator("#" + focused).waitFor();
            page.waitForFunction("id => document.activeElement.id === id", focused);
            page.waitForFunction("was => Math.abs(scrollY - was) < 3", before);
            assertTrue(page.url().endsWith("/console/jobs?state=succeeded&targetAgent=devops"), page.url());
        }
    }

    @Test
    void a_reload_shows_the_same_window_outcome_and_open_panel() {
        try (Visit visit = console.visit()) {
            visit.open("orders/coord-backlog-rebalance", "The backlog fits.");
            visit.button("missed").click();
            visit.button("7 days").click();
            assertThat(visit.button("missed")).hasAttribute("aria-pressed", "true");
            visit.page().locator("table [data-open]").first().click();
            visit.page().locator("aside.panel").getByText("not started in time").waitFor();

            visit.page().reload();

            visit.page().locator("aside.panel").getByText("not started in time").waitFor();
            assertThat(visit.button("missed")).hasAttribute("aria-pressed", "true");
            assertThat(visit.button("7 days")).hasAttribute("aria-pressed", "true");
            assertEquals(
                    0,
                    visit.page()
                            .locator("table .state", new Page.LocatorOptions().setHasText("completed"))
                            .count());
        }
    }

    @Test
    void the_address_of_an_account_shows_the_same_account_to_another_person() {
        String address;
        try (Visit visit = console.visit()) {
            visit.open("account", "made from the ledger alone");
            agent(visit).selectOption("devops");
            visit.button("Show the account").click();
            visit.page().locator(".markdown").waitFor();
            address = visit.page().url();
        }
        try (Visit other = console.visit()) {
            other.page().navigate(address);
            assertThat(other.page().locator(".markdown")).containsText("devops");
            assertThat(agent(other)).hasValue("devops");
        }
    }

    /** The agent of the account; the search of the frame has the word in its label, too. */
    private static Locator agent(Visit visit) {
        return visit.page().locator("main").getByLabel("Agent");
    }
}
