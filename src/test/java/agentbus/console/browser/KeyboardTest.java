package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.microsoft.playwright.Keyboard;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The walk of the guide, without a mouse. */
@ExtendWith(NeedsChromium.class)
class KeyboardTest {
    private final Console console;
    private final Fleet fleet;

    KeyboardTest(Console console) {
        this.console = console;
        this.fleet = console.fleet();
    }

    private static void press(Visit visit, String... keys) {
        Keyboard keyboard = visit.page().keyboard();
        for (String key : keys) {
            keyboard.press(key);
        }
    }

    @Test
    void a_dead_letter_is_found_opened_redriven_and_left_with_keys_alone() {
        String job = fleet.dead("auditor", "audit.stuck_jobs", "The list of jobs was empty.");
        try (Visit visit = console.visit()) {
            Page page = visit.page();
            visit.open("needs-me", "need a person");

            visit.page().keyboard().type("gj");
            page.waitForURL("**/console/jobs");
            visit.shows("audit.stuck_jobs");
            press(visit, "/");
            page.keyboard().type("state:dead subject:audit.stuck_jobs");
            press(visit, "Enter");
            page.waitForURL("**/console/jobs?*state=dead*");
            page.waitForFunction(
                    "() => { const rows = [...document.querySelectorAll('tbody tr')];"
                            + " return rows.length > 0 && rows.every((row) => row.textContent.includes('audit.stuck_jobs')); }");
            press(visit, "j", "Enter");
            page.waitForURL("**/console/jobs/" + job);
            visit.shows("The list of jobs was empty.");
            press(visit, ".");
            assertEquals("Redrive", page.evaluate("() => document.activeElement.textContent.trim()"));
            press(visit, "Enter");
            visit.dialog().waitFor();
            page.keyboard().type("the list is full again");
            press(visit, "Enter");
            page.locator(".note").getByText("Done: Redrive this job.").waitFor();
            press(visit, "Escape");
            page.waitForURL("**/console/jobs?*state=dead*");
        }
        console.operations().call("cancelJob", "jobId", job, "reason", "end of the test");
    }

    @Test
    void each_page_of_the_rail_has_a_key_and_the_help_names_it() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            for (String[] each : List.of(
                    new String[] {"o", "overview"},
                    new String[] {"j", "jobs"},
                    new String[] {"s", "orders"},
                    new String[] {"a", "agents"},
                    new String[] {"e", "events"},
                    new String[] {"u", "audit"},
                    new String[] {"w", "gateways"},
                    new String[] {"c", "account"},
                    new String[] {"n", "needs-me"})) {
                visit.page().keyboard().type("g" + each[0]);
                assertThat(visit.page()).hasURL(console.url() + "/console/" + each[1]);
            }
            press(visit, "?");
            assertThat(visit.dialog()).containsText("g s");
            press(visit, "Escape");
            assertThat(visit.dialog()).hasCount(0);
        }
    }

    @Test
    void the_calendar_is_read_with_the_arrow_keys() {
        try (Visit visit = console.visit()) {
            visit.open("orders", "devops-health-check");
            visit.page().locator("table.calendar button.slot[tabindex='0']").focus();
            press(visit, "ArrowRight");
            String first = visit.page().locator(".slot-says").textContent();
            press(visit, "ArrowDown");
            assertThat(visit.page().locator(".slot-says")).not().hasText(first);
            assertThat(visit.page().locator(".slot-says")).containsText("The slot of");
        }
    }

    @Test
    void single_keys_do_nothing_once_they_are_switched_off() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            visit.button("Settings").click();
            visit.button("Off").click();
            visit.button("Close").click();
            visit.page().keyboard().type("gj");
            assertThat(visit.page()).hasURL(console.url() + "/console/needs-me");
        }
    }

    @Test
    void what_is_typed_right_after_the_key_or_click_that_opens_a_dialog_reaches_its_first_field() {
        try (Visit visit = console.visit()) {
            visit.open(fleet.path("jobs/{blockedJob}"), "security.review");
            visit.page().locator("[data-page-actions] button.act").first().waitFor();
            assertEquals(
                    "find",
                    focusAfter(
                            visit,
                            "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))"));
            press(visit, "Escape");
            assertThat(visit.page().locator("dialog[open]")).hasCount(0);
            assertEquals(
                    "autofocus", focusAfter(visit, "document.querySelector('[data-page-actions] button.act').click()"));
        }
    }

    /** The id, or else autofocus, of the element that has the focus when the browser could take the next key. */
    private static Object focusAfter(Visit visit, String act) {
        return visit.page()
                .evaluate("() => new Promise((done) => { const channel = new MessageChannel();"
                        + " channel.port1.onmessage = () => done(document.activeElement.id"
                        + " || (document.activeElement.autofocus ? 'autofocus' : document.activeElement.outerHTML));"
                        + act + "; channel.port2.postMessage(null); })");
    }

    @Test
    void the_palette_opens_an_agent_by_its_name() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            press(visit, "Control+k");
            visit.page().keyboard().type("product-metrics");
            Locator agent = visit.page()
                    .locator("[role=option]", new Page.LocatorOptions().setHasText("agent"))
                    .first();
            agent.waitFor();
            for (int i = 0; i < 10 && !"true".equals(agent.getAttribute("aria-selected")); i++) {
                press(visit, "ArrowDown");
            }
            press(visit, "Enter");
            assertThat(visit.page()).hasURL(console.url() + "/console/agents/product-metrics");
        }
    }
}
