package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Patience;
import com.fasterxml.jackson.databind.JsonNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A person looks at what the fleet remembers, and at what it might remember. */
@ExtendWith({NeedsChromium.class, Patience.class})
class MemoryPagesTest {
    private final Console console;
    private final Operations bus;
    private final MemoryDay day;

    MemoryPagesTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.day = new MemoryDay(bus, console.database(), console.fleet(), new HashMap<>());
    }

    private JsonNode memory(String id) {
        return bus.call("getMemory", "memoryId", id);
    }

    /** Says why in the open dialog, and presses its button. */
    private static void confirm(Visit visit, String button, String why) {
        visit.dialog().getByLabel("Why").fill(why);
        press(visit, button);
    }

    private static void press(Visit visit, String button) {
        visit.dialog()
                .getByRole(
                        AriaRole.BUTTON,
                        new Locator.GetByRoleOptions().setName(button).setExact(true))
                .click();
    }

    @Test
    void memories_are_listed_and_their_filter_is_in_the_address() {
        try (Visit visit = console.visit()) {
            visit.open("memories", "Restart worker and scheduler");
            Locator main = visit.page().locator("main");
            main.getByLabel("Kind").selectOption("preference");
            visit.button("Filter").click();

            assertThat(visit.page().locator("tbody tr")).hasCount(1);
            assertThat(visit.page()).hasURL(Pattern.compile("kind=preference"));
            visit.page().reload();
            assertThat(visit.page().locator("tbody tr")).hasCount(1);
            assertThat(visit.page().locator("tbody tr")).containsText("role publisher");
            visit.button("Show all").click();
            visit.button("wrong").click();
            visit.shows("No deploy of the login form on Fridays");
            visit.button("superseded").click();
            visit.shows("Restart the worker after");
        }
    }

    @Test
    void a_search_finds_the_memories_that_an_agent_would_find_and_says_so_when_there_are_none() {
        try (Visit visit = console.visit()) {
            visit.open("memories", "Restart worker");
            visit.page().getByLabel("Search the active memories").fill("queue name restart scheduler");
            visit.button("Search").click();
            assertThat(visit.page().locator("tbody tr").first()).containsText("Restart worker and scheduler");
            assertThat(visit.page()).hasURL(Pattern.compile("words=queue"));
            visit.page().getByLabel("Search the active memories").fill("zebra quantum violin");
            visit.button("Search").click();
            visit.shows("No active memory fits");
            visit.button("Show the list").click();
            visit.shows("Restart worker and scheduler");
        }
    }

    @Test
    void a_memory_shows_its_versions_sources_reviews_and_the_prompts_that_had_it() {
        try (Visit visit = console.visit()) {
            visit.open(console.fleet().path("memories/{memory}"), "It stands in the prompts");
            assertThat(visit.page().locator("#versions tbody tr")).hasCount(2);
            assertThat(visit.page().locator("#reviews")).containsText("The scheduler reloads by itself");
            assertThat(visit.page().locator("#injections")).containsText("The restart was the cure.");
            assertThat(visit.page().locator("#injections")).containsText("used 1, irrelevant 0, wrong 0");

            visit.page().locator("#evidence a").first().click();
            visit.shows("Timeline");
            visit.page().goBack();
            visit.page().locator("#versions a").click();
            visit.shows("The memory in its place");
            visit.link("The memory in its place").click();
            visit.page().locator("#injections tbody a[data-open]").click();
            assertThat(visit.page()).hasURL(console.url() + console.fleet().path("/console/jobs/{memoryJob}"));
        }
    }

    @Test
    void a_job_shows_the_memories_in_the_prompt_of_each_attempt_with_their_verdicts() {
        try (Visit visit = console.visit()) {
            visit.open(console.fleet().path("jobs/{memoryJob}?attempt=1"), "Memories in the prompt");
            Locator row = visit.page().locator("#attempts tbody tr").first();
            assertThat(row).containsText("used");
            assertThat(row).containsText("The restart was the cure.");
            row.locator("a[data-open]").click();
            visit.shows("What the agents read");
        }
    }

    @Test
    void doubts_about_a_candidate_are_in_sight_before_it_is_promoted() {
        try (Visit visit = console.visit()) {
            visit.open("memory-candidates", "Releases of the engine");
            Locator row = visit.page()
                    .locator("tbody tr")
                    .filter(new Locator.FilterOptions().setHasText("Releases of the engine"));
            assertThat(row).containsText("from outside");
            row.locator("a[data-open]").click();
            assertThat(visit.page().locator("#doubts")).containsText("Only a person can promote it.");
            // An agent chose the address, so it is no link.
            assertThat(visit.page().locator("#evidence a")).hasCount(0);
        }
    }

    @Test
    void the_palette_finds_memories_by_words_and_by_id() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            visit.page().keyboard().press("/");
            visit.page().keyboard().type("queue name restart scheduler");
            visit.dialog().getByText("Memories with").click();
            visit.shows("Restart worker and scheduler");
            visit.page().keyboard().press("/");
            visit.page().keyboard().type(console.fleet().id("candidate"));
            visit.dialog().getByText("Open the memory candidate").click();
            visit.shows("Ask the mail host twice");
        }
    }

    @Test
    void the_keys_lead_to_memories_candidates_and_reviews_and_to_their_acts() {
        try (Visit visit = console.visit()) {
            visit.open("needs-me", "need a person");
            for (Map.Entry<String, String> each : Map.of(
                            "d", "memory-candidates", "v", "memory-reviews", "m", "memories")
                    .entrySet()) {
                visit.page().keyboard().press("g");
                visit.page().keyboard().press(each.getKey());
                assertThat(visit.page()).hasURL(console.url() + "/console/" + each.getValue());
                assertThat(visit.page().locator(".rail a[aria-current]")).hasText("Memory");
            }
            visit.open("memories?kind=mistake", "Restart worker");
            visit.page().keyboard().press("j");
            visit.page().keyboard().press("Enter");
            visit.shows("What the agents read");
            visit.page().keyboard().press(".");
            visit.page().keyboard().press("Enter");
            assertThat(visit.dialog()).containsText("Confirm: this memory");
        }
    }

    @Test
    void a_viewer_sees_memories_and_candidates_and_no_act() {
        String token = bus.call("issueViewerToken", "name", "mira", "reason", "she may look")
                .path("token")
                .asText();
        try (Visit visit = console.visitAs(token)) {
            for (String path : List.of(
                    "memories",
                    "memory-candidates",
                    "memory-reviews",
                    "memories/{memory}",
                    "memory-candidates/{conflictCandidate}")) {
                visit.open(console.fleet().path(path), "estart");
                assertThat(visit.page().locator("main button.act")).hasCount(0);
            }
        }
    }

    @Test
    void an_empty_lane_teaches_how_it_begins() {
        Map<String, String> lists = Map.of(
                "memories", "memories: No memory yet.",
                "memory-candidates", "candidates: No candidate is waiting.",
                "memory-reviews", "reviews: No memory waits for a look.");
        try (Visit visit = console.visit()) {
            for (Map.Entry<String, String> list : lists.entrySet()) {
                String[] fieldAndText = list.getValue().split(": ");
                visit.page()
                        .route(
                                "**/v1/" + list.getKey() + "?*",
                                route -> route.fulfill(new Route.FulfillOptions()
                                        .setContentType("application/json")
                                        .setBody("{\"" + fieldAndText[0] + "\":[]}")));
                visit.open(list.getKey(), fieldAndText[1]);
                visit.picture("empty-" + list.getKey() + "-1280-light");
                assertEquals(List.of(), visit.violations());
            }
        }
    }

    /** Turns phases off as a restart with a lower {@code agentbus.phase} does, without an end of the jobs of their orders. */
    private void phase(int phase) {
        console.database().jdbc().update("update phases set is_on = phase <= ?", phase);
        console.database()
                .jdbc()
                .update("update bus_facts set value = ? where name = 'phase'", Integer.toString(phase));
    }

    @Test
    void below_phase_4_memories_are_read_and_ended_and_nothing_is_promoted() {
        String id = day.memory("context", "service", "fjord", "Fjord is slow on Mondays", "Its reports run then.");
        phase(3);
        try (Visit visit = console.visit().expecting("409")) {
            visit.open("memories", "Phase 4 of the bus is off");
            assertThat(visit.page().locator(".rail a").filter(new Locator.FilterOptions().setHasText("Memory")))
                    .hasCount(0);
            visit.shows("Fjord is slow");
            visit.open(console.fleet().path("memory-candidates/{candidate}"), "so nobody can promote it");
            assertThat(visit.button("Promote")).hasCount(0);
            assertThat(visit.button("Reject")).isVisible();
            visit.page().keyboard().press("/");
            visit.page().keyboard().type("memory");
            visit.dialog().getByText("page; phase 4 is off").first().click();
            visit.shows("Phase 4 of the bus is off");

            visit.open("memories/" + id, "so no prompt has it");
            assertThat(visit.button("Confirm")).hasCount(0);
            visit.button("Expire").click();
            confirm(visit, "Expire: this memory", "the host is gone");
            visit.shows("Expired by");
        } finally {
            phase(5);
        }
        assertEquals("expired", memory(id).path("status").asText());
    }

    @Test
    void below_phase_3_proposals_are_read_and_nothing_is_decided() {
        phase(2);
        try (Visit visit = console.visit()) {
            visit.open("opportunities", "Phase 3 of the bus is off").shows("Rotate the key");
            visit.open("ideas", "Phase 3 of the bus is off").shows("Show the password");
            for (String name : List.of("Proposals", "Memory")) {
                assertThat(visit.page().locator(".rail a").filter(new Locator.FilterOptions().setHasText(name)))
                        .hasCount(0);
            }
            visit.open(console.fleet().path("opportunities/{opportunity}"), "so nobody can decide");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
            visit.open(console.fleet().path("ideas/{idea}"), "so nobody can take it up");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
            visit.page().keyboard().press("g");
            visit.page().keyboard().press("p");
            assertThat(visit.page()).hasURL(Pattern.compile("/console/ideas/"));
        } finally {
            phase(5);
        }
    }
}
