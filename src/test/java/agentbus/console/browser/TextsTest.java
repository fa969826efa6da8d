package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Texts from outside are shown as they are, and numbers with all their digits. */
@ExtendWith(NeedsChromium.class)
class TextsTest {
    private final Console console;

    TextsTest(Console console) {
        this.console = console;
    }

    /** Nothing of a text became an element: no image, no script and no link with a scheme of its own. */
    private static void assertInert(Visit visit) {
        assertNull(visit.page().evaluate("() => window.hacked ?? null"));
        assertEquals(
                0,
                visit.page()
                        .locator("main img, main script, main a[href^='javascript:']")
                        .count());
    }

    @Test
    void markup_in_a_payload_a_summary_and_an_error_is_text_and_numbers_are_exact() {
        try (Visit visit = console.visit()) {
            visit.open("jobs/" + console.fleet().id("hostileJob"), "background.brief");

            visit.shows("9007199254740993");
            visit.shows("1.10");
            assertThat(visit.page().locator("main")).containsText("<img src=x onerror=");
            assertInert(visit);
        }
    }

    @Test
    void markup_in_an_event_and_in_an_approval_is_text() {
        String event = console.operations()
                .call("listEvents", "topic", "ops.anomaly")
                .at("/events/0/eventId")
                .asText();
        try (Visit visit = console.visit()) {
            visit.open("events?event=" + event, "9007199254740993");
            assertThat(visit.page().locator("aside.panel")).containsText("<script>window.hacked=1</script>");
            assertInert(visit);

            visit.open("questions/" + console.fleet().id("approval"), "12000");
            assertThat(visit.page().locator("main")).containsText("<script>window.hacked=1</script>");
            assertInert(visit);
        }
    }

    @Test
    void an_account_renders_its_headings_and_lists_and_leaves_the_markup_of_a_job_as_text() {
        try (Visit visit = console.visit()) {
            visit.open("account?agent=research", "The account");
            visit.page().locator(".markdown h2, .markdown h3").first().waitFor();
            assertTrue(visit.page().locator(".markdown li").count() > 0);
            assertEquals(0, visit.page().locator(".markdown a").count());
            assertInert(visit);
        }
    }

    @Test
    void a_proposal_shows_markup_as_text_and_leads_to_no_address_outside() {
        for (String path : java.util.List.of("opportunities/{hostileOpportunity}", "ideas/{hostileIdea}")) {
            try (Visit visit = console.visit()) {
                visit.open(console.fleet().path(path), "window.hacked");
                assertThat(visit.page().locator("main")).containsText("[click](javascript:window.hacked=1)");
                assertInert(visit);
                assertEquals(0, visit.page().locator("main a[href^='http']").count());
            }
        }
    }

    @Test
    void a_memory_shows_markup_as_text_and_leads_to_no_address_outside() {
        for (String path : java.util.List.of("memories/{hostileMemory}", "memory-candidates/{hostileCandidate}")) {
            try (Visit visit = console.visit()) {
                visit.open(console.fleet().path(path), "window.hacked");
                assertThat(visit.page().locator("main")).containsText("[click](javascript:window.hacked=1)");
                assertThat(visit.page().locator("main")).containsText("<|im_end|>");
                assertInert(visit);
                assertEquals(0, visit.page().locator("main a[href^='http']").count());
            }
        }
    }

    @Test
    void a_report_links_the_rows_of_this_console_and_leaves_the_markup_of_a_proposal_as_text() {
        try (Visit visit = console.visit()) {
            visit.open(console.fleet().path("reports/{report}"), "How it was made");
            assertThat(visit.page().locator(".markdown")).containsText("<img src=x onerror=");
            assertInert(visit);
            assertEquals(
                    0,
                    visit.page().locator(".markdown a:not([href^='/console/'])").count());

            visit.page()
                    .locator(".markdown a[href^='/console/events?event=']")
                    .first()
                    .click();
            visit.page().locator("aside.panel").waitFor();
            visit.page().goBack();
            visit.page().locator(".markdown a").getByText("Rotate the key").click();

            visit.shows("What is proposed, and why");
        }
    }

    @Test
    void an_address_with_markup_in_its_fields_is_inert() {
        try (Visit visit = console.visit().expecting("4\\d\\d")) {
            visit.page()
                    .navigate(
                            "/console/audit?actor=%3Cimg%20src%3Dx%20onerror%3D%22window.hacked%3D1%22%3E&jobId=%22%3E%3Cscript%3Ewindow.hacked%3D1%3C%2Fscript%3E");
            visit.page().getByLabel("Actor").waitFor();
            assertInert(visit);
        }
    }
}
