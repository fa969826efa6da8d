package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Patience;
import com.fasterxml.jackson.databind.JsonNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.options.AriaRole;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A person reads the proposals of the agents and decides about them. */
@ExtendWith({NeedsChromium.class, Patience.class})
class ProposalsTest {
    private final Console console;
    private final Operations bus;
    private final ProposalDay proposals;

    ProposalsTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.proposals = new ProposalDay(bus, console.fleet(), Map.of());
    }

    private JsonNode opportunity(String id) {
        return bus.call("getOpportunity", "opportunityId", id);
    }

    /** Gives the notes in the open dialog, and presses its button. */
    private static void confirm(Visit visit, String button, String notes) {
        visit.dialog().getByLabel("Why; the author reads it").fill(notes);
        visit.dialog()
                .getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(button))
                .click();
    }

    @Test
    void opportunities_are_ranked_and_their_filter_is_in_the_address() {
        try (Visit visit = console.visit()) {
            visit.open("opportunities", "Rotate the key");
            List<Double> ranks = visit.page().locator("tbody tr td:first-child").allTextContents().stream()
                    .map(Double::valueOf)
                    .toList();
            assertEquals(
                    ranks.stream().sorted(java.util.Comparator.reverseOrder()).toList(), ranks);

            visit.page().locator("main").getByLabel("Proposed by").fill("product-metrics");
            visit.button("Filter").click();

            assertThat(visit.page().locator("tbody tr")).hasCount(1);
            assertThat(visit.page()).hasURL(Pattern.compile("sourceAgent=product-metrics"));
            visit.page().reload();
            assertThat(visit.page().locator("tbody tr")).hasCount(1);
            visit.button("Show all").click();
            visit.button("rejected").click();
            visit.shows("Translate every note into Latin");
            assertThat(visit.page()).hasURL(Pattern.compile("status=rejected"));
        }
    }

    @Test
    void an_opportunity_shows_the_parts_of_its_rank_its_reviews_and_what_came_of_it() {
        try (Visit visit = console.visit()) {
            visit.open(console.fleet().path("opportunities/{done}"), "Builds take 11 minutes");
            Locator main = visit.page().locator("main");
            assertThat(main).containsText("Its job has succeeded.");
            assertThat(main).containsText("It pays back within a week.");
            assertThat(visit.page().locator("#rank tbody tr")).hasCount(5);
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);

            visit.link("infra.check").click();

            assertThat(visit.page()).hasURL(Pattern.compile("/console/jobs/"));
        }
    }

    @Test
    void evidence_leads_to_the_job_the_event_and_the_slot_that_it_names() {
        String page = console.fleet().path("opportunities/{opportunity}");
        try (Visit visit = console.visit()) {
            Locator evidence = visit.page().locator("#evidence a");
            visit.open(page, "slot of");
            evidence.filter(new Locator.FilterOptions().setHasText("event")).click();
            visit.page().locator("aside.panel").waitFor();
            visit.page().goBack();
            evidence.filter(new Locator.FilterOptions().setHasText("slot of")).click();
            visit.page().locator("aside.panel").getByText("Its work is").waitFor();
            visit.page().goBack();
            evidence.filter(new Locator.FilterOptions().setHasText("job")).click();
            visit.shows("Timeline");
        }
    }

    @Test
    void an_opportunity_is_accepted_and_converted_with_the_reason_on_record() {
        String id = proposals.opportunity("security", "Close the port of the old proxy", "ports", List.of(4, 4, 2));
        try (Visit visit = console.visit()) {
            visit.open("opportunities/" + id, "Nobody has looked at it yet");
            visit.button("Accept").click();
            confirm(visit, "Accept this opportunity", "the proxy is off since May");
            visit.shows("It waits to be made a job.");
            assertThat(visit.button("Accept")).hasCount(0);
            visit.shows("The proxy is off since May.");

            visit.button("Convert to job").click();
            assertThat(visit.dialog().locator("select")).hasValue("devops");
            visit.dialog().getByLabel("Subject").fill("infra.check");
            confirm(visit, "Convert this opportunity to a job", "devops has time");
            visit.shows("Its job has not ended yet.");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
        }
        JsonNode opportunity = opportunity(id);
        assertEquals("converted_to_job", opportunity.path("status").asText());
        String job = opportunity.path("convertedJobId").asText();
        assertEquals(
                "infra.check", bus.call("getJob", "jobId", job).path("subject").asText());
        bus.call("cancelJob", "jobId", job, "reason", "end of the test");
    }

    @Test
    void a_decision_of_another_person_is_seen_at_once_and_told_in_a_refusal() {
        String id = proposals.opportunity("design", "Larger letters in the mails", "mails", List.of(2, 2, 2));
        try (Visit visit = console.visit().expecting("409")) {
            visit.open("opportunities/" + id, "Nobody has looked at it yet");
            visit.button("Reject").click();
            bus.call(
                    "triageOpportunity",
                    "opportunityId",
                    id,
                    "decision",
                    "rejected",
                    "notes",
                    "The letters are large.");
            confirm(visit, "Reject this opportunity", "not now");
            assertThat(visit.dialog()).containsText("The letters are large");
            visit.dialog().getByText("Leave it").click();
            visit.shows("Nothing moves it any more.");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
        }
    }

    @Test
    void an_opportunity_is_parked_and_another_is_merged_into_it() {
        String kept = proposals.opportunity("auditor", "One owner for each host", "owners", List.of(3, 3, 3));
        String twin =
                proposals.opportunity("devops", "A list that says whose machine it is", "hosts", List.of(3, 2, 1));
        try (Visit visit = console.visit()) {
            visit.open("opportunities/" + kept, "Nobody has looked at it yet");
            visit.button("Park").click();
            visit.dialog().getByLabel("Until").fill(java.time.LocalDate.now().plusDays(20) + "T09:00");
            confirm(visit, "Park this opportunity", "after the move");
            visit.shows("then the bus triages it again");
            assertThat(visit.button("Triage again")).isVisible();
            bus.call("triageOpportunity", "opportunityId", kept, "decision", "triaged", "notes", "the move is done");

            visit.open("opportunities/" + twin, "Nobody has looked at it yet");
            visit.button("Merge").click();
            visit.dialog().getByLabel("The opportunity that remains").selectOption(kept);
            confirm(visit, "Merge this opportunity into another", "the same list");
            visit.link("another opportunity").click();
            visit.shows("One owner for each host");
        }
        assertEquals("merged", opportunity(twin).path("status").asText());
        assertEquals(kept, opportunity(twin).path("mergedInto").asText());
        bus.call("triageOpportunity", "opportunityId", kept, "decision", "rejected", "notes", "end of the test");
    }

    @Test
    void an_idea_is_reviewed_and_promoted_and_another_is_archived() {
        String idea = idea("Ask people why they leave", "A question on the last page costs nothing.");
        String other = idea("A mascot for the bus", "Every good tool has an animal.");
        try (Visit visit = console.visit()) {
            visit.open("ideas/" + idea, "A question on the last page");
            visit.button("Review").click();
            confirm(visit, "Review this idea", "cheap to try");
            visit.shows("Cheap to try.");
            visit.button("Promote to opportunity").click();
            fillBar(visit.dialog());
            visit.dialog().locator("button[type=submit]").click();
            assertThat(visit.page()).hasURL(Pattern.compile("/console/opportunities/"));
            visit.shows("Ask people why they leave");

            visit.open("ideas/" + other, "Every good tool");
            visit.button("Archive").click();
            confirm(visit, "Archive this idea", "we need none");
            visit.shows("Why it was archived");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
        }
        String opportunity =
                bus.call("getIdea", "ideaId", idea).path("opportunityId").asText();
        bus.call("triageOpportunity", "opportunityId", opportunity, "decision", "rejected", "notes", "end of the test");
    }

    private String idea(String title, String body) {
        return bus.call("createIdea", "sourceAgent", "design", "theme", "people", "title", title, "body", body)
                .at("/idea/ideaId")
                .asText();
    }

    private static void fillBar(Locator dialog) {
        dialog.getByLabel("Why now").fill("Ten people left this week.");
        dialog.getByLabel("What happens if nothing is done").fill("We go on guessing.");
        dialog.getByLabel("The smallest next step").fill("Ask on one page for a day.");
        for (String score : List.of("Impact", "Confidence", "Urgency")) {
            dialog.getByLabel(score).fill("3");
        }
        dialog.getByLabel("high").check();
        dialog.getByLabel("The agent that would do it").selectOption("design");
        dialog.getByLabel("Kind of evidence").selectOption("url");
        dialog.getByLabel("Address of the page").fill("https://example.org/exits");
    }

    @Test
    void a_viewer_sees_proposals_and_reports_and_no_act() {
        String token = bus.call("issueViewerToken", "name", "vera", "reason", "she may look")
                .path("token")
                .asText();
        try (Visit visit = console.visitAs(token)) {
            for (String path : List.of("opportunities/{opportunity}", "ideas/{idea}")) {
                visit.open(console.fleet().path(path), "Evidence");
                assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
            }
            visit.open("reports", "ideas digest");
            assertThat(visit.button("Compose a report")).hasCount(0);
        }
    }

    @Test
    void a_report_is_composed_by_hand_and_shown() {
        try (Visit visit = console.visit()) {
            visit.open("reports", "ideas digest");
            visit.button("Compose a report").click();
            visit.dialog().getByLabel("weekly_report").check();
            visit.confirm("Compose a report", "the weekly talk");
            assertThat(visit.page()).hasURL(Pattern.compile("/console/reports/"));
            visit.shows("How it was made");
        }
        assertTrue(
                bus.call("listReports", "kind", "weekly_report").path("reports").size() > 0);
    }

    @Test
    void a_new_opportunity_waits_behind_a_button_and_then_stands_at_its_rank() {
        try (Visit visit = console.visit()) {
            visit.open("opportunities", "Rotate the key");
            visit.page().locator(".live.up").waitFor();
            String id = proposals.opportunity("security", "Weak ciphers on the mail host", "ciphers", List.of(2, 3, 2));
            visit.button("1 new opportunity").click();
            assertThat(visit.page().locator("tr[data-row='" + id + "']")).hasCount(1);
            bus.call("triageOpportunity", "opportunityId", id, "decision", "rejected", "notes", "end of the test");
            assertThat(visit.page().locator("tr[data-row='" + id + "']")).hasCount(0);
        }
    }

    @Test
    void the_keys_lead_to_proposals_ideas_and_reports() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            for (Map.Entry<String, String> each :
                    Map.of("p", "opportunities", "i", "ideas", "r", "reports").entrySet()) {
                visit.page().keyboard().press("g");
                visit.page().keyboard().press(each.getKey());
                assertThat(visit.page()).hasURL(console.url() + "/console/" + each.getValue());
            }
            assertThat(visit.page().locator(".rail a[aria-current]")).hasCount(1);
        }
    }
}
