package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Answers that are lost, a way back, a logout and an update of the bus: the page says what is known, and acts where it said. */
@ExtendWith(NeedsChromium.class)
class InterruptionsTest {
    private final Console console;
    private final Operations bus;
    private final Fleet fleet;

    InterruptionsTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.fleet = console.fleet();
    }

    @Test
    void an_answer_that_was_lost_on_its_way_is_not_called_refused() {
        Work work = fleet.start("design", "design.review");
        String question = fleet.ask(work, "Round or square?", "options", List.of("round", "square"));
        try (Visit visit = console.visit().expecting("ERR_FAILED")) {
            visit.open("questions/" + question, "Round or square?");
            visit.page().route("**/v1/questions/*/answer*", Route::abort);
            visit.page().getByLabel("round").check();
            visit.button("Answer").click();

            visit.shows("Whether this was done is not known.");
            assertThat(visit.page().getByText("Your answer was not taken")).hasCount(0);
            visit.button("Look again").click();
            assertThat(visit.page().getByText("Whether this was done")).hasCount(0);
        }
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
    }

    @Test
    void an_act_names_its_namespace_and_keeps_it_on_the_way_back_and_its_dialog_until_the_answer() {
        try (Visit visit = console.visit().expecting("ERR_FAILED|status of 4")) {
            Page page = visit.page();
            page.route("**/v1/whoami*", route -> {
                ObjectNode visitor = (ObjectNode) Operations.exact(route.fetch().text());
                visitor.putArray("namespaces").add("blue").add("default");
                route.fulfill(new Route.FulfillOptions()
                        .setContentType("application/json")
                        .setBody(visitor.toString()));
            });
            visit.open("jobs", "Show older jobs");
            page.locator("nav a[href^='/console/overview']").click();
            visit.shows("devops");
            page.getByLabel("Namespace").selectOption("blue");
            visit.button("Stop everything").click();
            assertThat(visit.dialog()).containsText("Stop everything in blue");
            page.goBack();
            assertThat(visit.dialog()).hasCount(0);

            page.goForward();
            List<Route> held = new ArrayList<>();
            page.route("**/v1/pauses/stop-everything*", held::add);
            visit.button("Stop everything").click();
            visit.confirm("Stop everything in blue", "the answer will be lost");
            assertThat(visit.button("Working …")).isVisible();
            page.keyboard().press("Escape");
            page.keyboard().press("Escape");
            page.goBack();
            page.waitForURL("**/console/jobs*");
            assertThat(visit.dialog()).containsText("Stop everything in blue");

            assertEquals(1, held.size());
            assertTrue(
                    held.get(0).request().url().endsWith("?namespace=blue"),
                    () -> held.get(0).request().url());
            held.get(0).abort();
            assertThat(visit.dialog()).containsText("Whether this was done is not known.");
            visit.button("Look again").click();
            assertThat(visit.dialog()).hasCount(0);
        }
    }

    @Test
    void content_that_an_item_does_not_show_is_decided_on_its_own_page() {
        Work work = fleet.start("publisher", "digest.publish");
        String question = bus.callAs(
                        work.token(),
                        "requestApproval",
                        "jobId",
                        work.jobId(),
                        "question",
                        "May the long digest go out?",
                        "content",
                        Operations.json("text", "word ".repeat(600)))
                .at("/question/questionId")
                .asText();
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "May the long digest go out?");
            Locator item = visit.page()
                    .locator("li[data-row]")
                    .filter(new Locator.FilterOptions().setHasText("May the long digest go out?"));
            assertThat(item.getByText("Approve")).hasCount(0);
            item.getByText("Read it and decide").click();
            visit.shows("exactly this content");
            assertTrue(visit.page().url().endsWith("/console/questions/" + question));
        }
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
    }

    @Test
    void a_logout_leaves_nothing_of_the_page_and_a_lost_one_is_told() {
        try (Visit visit = console.visit().expecting("ERR_FAILED|401")) {
            Page page = visit.page();
            visit.open("agents/devops", "What it may do");
            page.evaluate("() => { window.before = true; }");
            page.route("**/console/session", Route::abort);
            visit.button("Settings").click();
            visit.button("Log out").click();
            assertThat(visit.dialog()).containsText("Whether this was done is not known.");
            page.unroute("**/console/session");

            visit.button("Log out").click();

            page.getByLabel("Token").waitFor();
            assertEquals(false, page.evaluate("() => 'before' in window"));
        }
    }

    @Test
    void a_session_that_has_ended_in_one_tab_ends_in_the_others_and_the_next_login_is_live_in_them() {
        try (Visit visit = console.visit().expecting("401")) {
            visit.open("agents/devops", "What it may do");
            Page other = visit.context().newPage();
            other.navigate("/console/agents/design");
            other.getByText("What it may do").waitFor();

            visit.button("Settings").click();
            visit.button("Log out").click();

            other.getByLabel("Token").waitFor();
            other.getByLabel("Token").fill(bus.operatorToken());
            other.locator("button[type=submit]").click();
            other.getByText("live", new Page.GetByTextOptions().setExact(true)).waitFor();
        }
    }

    @Test
    void a_page_of_the_version_before_an_update_of_the_bus_says_so() {
        try (Visit visit = console.visit().expecting("404|Failed to fetch")) {
            Page page = visit.page();
            page.route(
                    "**/console/events",
                    route -> route.fulfill(new Route.FulfillOptions()
                            .setContentType("text/event-stream")
                            .setBody("event: version\ndata: another\n\n")));
            page.route("**/page-audit.js", route -> route.fulfill(new Route.FulfillOptions().setStatus(404)));
            visit.open("overview", "devops");
            assertThat(page.locator(".banners")).containsText("The bus was updated.");

            page.locator("nav a[href='/console/audit']").click();

            visit.shows("This page was not loaded");
            page.unroute("**/page-audit.js");
            page.unroute("**/console/events");
            visit.button("Load the page again").click();
            visit.shows("job.");
            assertThat(page.getByText("The bus was updated.")).hasCount(0);
        }
    }
}
