package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Patience;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.options.AriaRole;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A person acts: each act asks for its reason, does what it says, and leaves an audit row. */
@ExtendWith({NeedsChromium.class, Patience.class})
class HandlesTest {
    private final Console console;
    private final Operations bus;
    private final Fleet fleet;

    HandlesTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.fleet = console.fleet();
    }

    private String state(String jobId) {
        return bus.call("getJob", "jobId", jobId).path("state").asText();
    }

    private int queued(String agent) {
        return bus.call("listJobs", "targetAgent", agent, "state", "queued")
                .path("jobs")
                .size();
    }

    private long audited(String sql, Object... arguments) {
        return console.database()
                .jdbc()
                .queryForObject("select count(*) from audit_log where " + sql, Long.class, arguments);
    }

    @Test
    void a_question_is_answered_on_its_page_and_the_job_goes_on_with_the_answer() {
        Work work = fleet.start("security", "threat.model");
        String question = fleet.ask(work, "Which host first?", "options", java.util.List.of("web-1", "web-2"));
        try (Visit visit = console.visit()) {
            visit.open("questions/" + question, "Which host first?");
            visit.page().getByLabel("web-2").check();
            visit.page().getByLabel("In your words").fill("It has the older kernel.");

            visit.button("Answer").click();

            visit.shows("answered at");
        }
        assertEquals("queued", state(work.jobId()));
        Work next = fleet.claim("security", work.jobId());
        fleet.complete(next, "web-2 first.");
        assertEquals("succeeded", state(work.jobId()));
    }

    @Test
    void a_question_with_options_is_answered_in_words_alone() {
        Work work = fleet.start("security", "threat.model");
        String question = fleet.ask(work, "Which door first?", "options", java.util.List.of("north", "south"));
        try (Visit visit = console.visit()) {
            visit.open("questions/" + question, "Which door first?");
            visit.page().getByLabel("In your words").fill("Neither; the gate first.");
            visit.button("Answer").click();
            visit.shows("answered at");
        }
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
    }

    @Test
    void a_blocked_job_is_found_under_needs_me_and_answered_in_place() {
        Work work = fleet.start("security", "security.blocker.assess");
        fleet.block(work, "I need the name of the owner of web-7.", "person", "anna");
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "the owner of web-7");
            Locator item = visit.page()
                    .locator("li[data-row]")
                    .filter(new Locator.FilterOptions().setHasText("the owner of web-7"));
            item.getByRole(AriaRole.BUTTON).first().click();
            visit.dialog().getByLabel("Answer").fill("Its owner is the shop team.");
            visit.dialog().locator("button[type=submit]").click();

            assertThat(item).hasCount(0);
        }
        assertEquals("queued", state(work.jobId()));
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
    }

    @Test
    void a_paused_agent_gets_no_work_and_its_queue_grows_until_it_is_resumed() {
        try (Visit visit = console.visit()) {
            visit.open("agents/coordinator", "What it may do");
            visit.button("Pause").click();
            visit.confirm("Pause agent coordinator", "its plan is under review");
            assertThat(visit.button("Undo")).isVisible();
            assertThat(visit.page().locator("main p.lead")).containsText("paused");

            String job = fleet.enqueue("coordinator", "plan.new");
            assertEquals(
                    0,
                    bus.call("claimJobs", "targetAgent", "coordinator")
                            .path("jobs")
                            .size());
            assertThat(visit.page().locator(".facts > div:has(dt:text-is('Queued')) dd"))
                    .hasText(String.valueOf(queued("coordinator")));

            visit.button("Resume").click();
            visit.confirm("Resume agent coordinator", "the review is over");
            assertThat(visit.page().locator("main p.lead")).not().containsText("paused");
            bus.call("cancelJob", "jobId", job, "reason", "end of the test");
        }
        assertTrue(audited("why like '%its plan is under review%'") > 0);
    }

    @Test
    void stop_everything_ends_the_runs_at_once_says_what_ran_and_stays_until_it_is_resumed() {
        Work work = fleet.start("design", "ux.critique");
        try (Visit visit = console.visit()) {
            visit.open("overview", "devops");
            visit.button("Stop everything").click();
            long before = System.nanoTime();
            visit.confirm("Stop everything", "the model writes nonsense");
            visit.page().getByText(Pattern.compile("Everything is stopped")).waitFor();
            assertTrue(System.nanoTime() - before < 2_000_000_000L, "within two seconds, the browser included");
            visit.page().locator(".note").getByText("Done: Stop everything.").waitFor();
            assertThat(visit.button("Undo")).hasCount(0);
            assertThat(visit.page().locator(".banners")).containsText("ux.critique");
            assertEquals("queued", state(work.jobId()));
            assertEquals(
                    0,
                    bus.call("claimJobs", "targetAgent", "design").path("jobs").size());

            visit.page().locator(".banner.trouble").getByText("Resume").click();
            visit.confirm("Resume everything", "the model is another one");
            assertThat(visit.page().getByText("Everything is stopped")).hasCount(0);
        } finally {
            bus.answer(bus.operatorToken(), "resume", "kind", "everything", "reason", "end of the test");
        }
        bus.call("cancelJob", "jobId", work.jobId(), "reason", "end of the test");
        fleet.workAgain();
    }

    @Test
    void a_dead_letter_is_redriven_from_its_page() {
        String job = fleet.dead("auditor", "audit.cron", "The clock of db-1 is wrong.");
        try (Visit visit = console.visit()) {
            visit.open("jobs/" + job, "The clock of db-1 is wrong.");
            visit.button("Redrive").click();
            visit.confirm("Redrive this job", "the clock is right again");
            visit.page().locator(".note").getByText("Done: Redrive this job.").waitFor();
            assertThat(visit.button("Redrive")).hasCount(0);
        }
        assertEquals("queued", state(job));
        bus.call("cancelJob", "jobId", job, "reason", "end of the test");
    }

    @Test
    void a_bulk_action_touches_all_that_match_and_nothing_that_comes_later() {
        for (int i = 0; i < 120; i++) {
            fleet.enqueue("auditor", "audit.reconcile", "flowKey", "bulk-test");
        }
        try (Visit visit = console.visit()) {
            visit.open("jobs?flowKey=bulk-test&state=queued", "audit.reconcile");
            visit.page().locator("summary").getByText("All that match").click();
            visit.button("Cancel all").click();
            assertThat(visit.dialog()).containsText("120 jobs match now");
            visit.dialog().getByLabel("Type 120").fill("120");
            visit.confirm("Cancel 120 jobs", "asked by mistake");
            visit.page().getByText("120").first().waitFor();
        }
        await().until(() -> bus.call("listJobs", "flowKey", "bulk-test", "state", "cancelled", "limit", 500)
                        .path("jobs")
                        .size()
                == 120);
    }

    @Test
    void an_order_is_switched_off_and_on_with_the_reason_on_record() {
        try (Visit visit = console.visit()) {
            visit.open("orders/audit-lease-reaper", "No lease is left behind.");
            visit.button("Switch off").click();
            visit.confirm("Switch this order off", "the auditor moves house");
            assertThat(visit.page().locator("main p.lead")).containsText("switched off");
            visit.button("Switch on").click();
            visit.confirm("Switch this order on", "it has moved");
            assertThat(visit.page().locator("main p.lead")).not().containsText("switched off");
        }
        assertTrue(audited("why like '%the auditor moves house%'") > 0);
    }

    @Test
    void an_order_is_run_now_and_its_job_is_in_the_history() {
        try (Visit visit = console.visit()) {
            visit.open("orders/publisher-daily-digest", "The digest is out.");
            visit.button("Run now").click();
            visit.confirm("Run this order now", "the readers ask for it");
            visit.page().locator(".note").getByText("Done: Run this order now.").waitFor();
            visit.shows("manual");
        }
    }
}
