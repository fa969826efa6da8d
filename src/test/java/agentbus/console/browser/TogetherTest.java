package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.microsoft.playwright.Page;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two people act at once, and one who may only look looks. */
@ExtendWith(NeedsChromium.class)
class TogetherTest {
    private final Console console;
    private final Operations bus;
    private final Fleet fleet;

    TogetherTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.fleet = console.fleet();
    }

    @Test
    void the_second_of_two_who_redrive_a_job_reads_who_was_first() {
        String job = fleet.dead("design", "design.explore", "The canvas was not there.");
        try (Visit anna = console.visit();
                Visit ben = console.visit().expecting("409")) {
            for (Visit each : List.of(anna, ben)) {
                each.open("jobs/" + job, "The canvas was not there.");
                each.button("Redrive").click();
            }
            anna.confirm("Redrive this job", "the canvas is there");
            anna.page().locator(".note").getByText("Done: Redrive this job.").waitFor();

            ben.confirm("Redrive this job", "the canvas is there, too");

            assertThat(ben.dialog()).containsText("Nothing was changed");
            assertThat(ben.dialog()).containsText("queued");
            ben.button("Leave it").click();
            assertThat(ben.button("Redrive")).hasCount(0);
        }
        bus.call("cancelJob", "jobId", job, "reason", "end of the test");
    }

    @Test
    void an_answer_of_one_person_is_on_the_page_of_the_other_with_the_name() {
        Work work = fleet.start("design", "design.review");
        String question = fleet.ask(work, "Blue or green?", "options", List.of("blue", "green"));
        try (Visit anna = console.visit();
                Visit ben = console.visit()) {
            for (Visit each : List.of(anna, ben)) {
                each.open("questions/" + question, "Blue or green?");
            }
            anna.page().getByLabel("blue").check();
            anna.button("Answer").click();

            ben.shows("answered at");
            assertThat(ben.page().locator("main")).containsText("operator");
            assertThat(ben.button("Answer")).hasCount(0);
        }
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
    }

    @Test
    void a_viewer_sees_every_page_without_a_single_act_and_is_refused_by_the_bus_as_well() {
        String token = bus.call("issueViewerToken", "name", "carla", "reason", "she looks after the night")
                .path("token")
                .asText();
        try (Visit carla = console.visitAs(token).expecting("403")) {
            for (PagesTest.Place place : PagesTest.places()) {
                carla.open(fleet.path(place.path()), place.shows());
                assertEquals(
                        List.of(), carla.page().locator("button.act").allTextContents(), place.name() + " offers acts");
            }
            assertThat(carla.page().getByText("Stop everything")).hasCount(0);
            String answer = (String) carla.page()
                    .evaluate("async () => (await (await fetch('/v1/pauses/stop-everything', {method: 'POST', headers:"
                            + " {'Content-Type': 'application/json'}, body: '{\"reason\":\"x\"}'})).json()).code");
            assertEquals("forbidden", answer);
        }
    }

    @Test
    void a_stranger_gets_the_login_and_comes_to_the_page_of_the_address_after_it() {
        try (Visit visit = console.stranger().expecting("401")) {
            Page page = visit.page();
            page.navigate("/console/agents/devops");
            page.getByLabel("Token").fill("abo_wrong");
            visit.button("Log in").click();
            assertThat(page.getByText("You are not logged in.")).isVisible();

            page.getByLabel("Token").fill(bus.operatorToken());
            visit.button("Log in").click();

            visit.shows("What it may do");
            assertEquals(console.url() + "/console/agents/devops", page.url());
            assertEquals(
                    0,
                    page.evaluate(
                            "token => Object.values({...localStorage, ...sessionStorage}).filter(each => each.includes(token)).length",
                            bus.operatorToken()));
        }
    }
}
