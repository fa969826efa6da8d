package agentbus.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Patience;
import com.fasterxml.jackson.databind.JsonNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.options.AriaRole;
import java.util.HashMap;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A person curates what the fleet remembers: each act asks why, and the bus decides. */
@ExtendWith({NeedsChromium.class, Patience.class})
class MemoryActsTest {
    private final Console console;
    private final Operations bus;
    private final MemoryDay day;

    MemoryActsTest(Console console) {
        this.console = console;
        this.bus = console.operations();
        this.day = new MemoryDay(bus, console.database(), console.fleet(), new HashMap<>());
    }

    private JsonNode memory(String id) {
        return bus.call("getMemory", "memoryId", id);
    }

    private JsonNode candidate(String id) {
        return bus.call("getMemoryCandidate", "candidateId", id);
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

    private void expire(String... memories) {
        for (String memory : memories) {
            bus.call("expireMemory", "memoryId", memory, "notes", "end of the test");
        }
    }

    @Test
    void a_candidate_is_promoted_with_another_title_and_then_shown_as_a_memory() {
        String id = day.candidate(
                "playbook",
                "service",
                "search",
                "Rebuild the index of the search at night",
                "By day it takes the host down for a minute.");
        try (Visit visit = console.visit()) {
            visit.open("memory-candidates/" + id, "It waits for a curator");
            visit.button("Promote").click();
            visit.dialog().getByLabel("Title").fill("Rebuild the search index between two and four at night");
            confirm(visit, "Promote this candidate", "Two jobs lost their search.");
            assertThat(visit.page()).hasURL(Pattern.compile("/console/memories/"));
            visit.shows("Rebuild the search index between two and four");
            visit.link("the candidate").click();
            visit.shows("It became");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
        }
        String memory = candidate(id).path("memoryId").asText();
        assertEquals("service", memory(memory).path("scope").asText());
        expire(memory);
    }

    @Test
    void a_refused_promotion_names_its_gate_in_the_dialog_and_changes_nothing() {
        String id = day.candidate(
                "lesson",
                "service",
                "billing",
                "The billing host refuses the third call in a second",
                "Wait for a second between two calls.",
                "confidenceScore",
                2);
        try (Visit visit = console.visit().expecting("422")) {
            visit.open("memory-candidates/" + id, "It waits for a curator");
            visit.button("Promote").click();
            confirm(visit, "Promote this candidate", "One job shows it.");
            assertThat(visit.dialog()).containsText("confidence");
            press(visit, "Leave it");
            visit.button("Reject").click();
            visit.dialog().getByLabel("Why; the author reads it").fill("One job is too little.");
            press(visit, "Reject this candidate");
            visit.shows("Nothing moves it any more.");
        }
        assertEquals("rejected", candidate(id).path("status").asText());
    }

    /** A candidate and a memory about the same matter, of a service of its own. */
    private List<String> conflict(String service) {
        String memory = day.memory(
                "constraint",
                "service",
                service,
                "Deploy the " + service + " host only before noon",
                "The people who know the " + service + " host leave at one.");
        String candidate = day.candidate(
                "constraint",
                "service",
                service,
                "Deploy the " + service + " host only after noon",
                "The backups of the " + service + " host end at noon.");
        return List.of(memory, candidate);
    }

    private Visit promoteAgainst(Visit visit, String candidate) {
        visit.open("memory-candidates/" + candidate, "It waits for a curator");
        visit.button("Promote").click();
        confirm(visit, "Promote this candidate", "The backups are in the way.");
        assertThat(visit.dialog()).containsText("A memory says otherwise");
        return visit;
    }

    @Test
    void a_conflict_shows_both_texts_and_the_candidate_replaces_the_memory() {
        List<String> texts = conflict("atlas");
        try (Visit visit = promoteAgainst(console.visit(), texts.get(1))) {
            Locator sides = visit.dialog().locator(".sides section");
            assertThat(sides).hasCount(2);
            assertThat(sides.first()).containsText("The backups of the atlas host");
            assertThat(sides.last()).containsText("leave at one");
            visit.picture("memory-conflict-1280-light");
            press(visit, "The candidate replaces it");
            assertThat(visit.dialog().getByLabel("Why")).hasValue("The backups are in the way.");
            press(visit, "Replace the memory");
            visit.shows("It stands in the prompts");
            assertThat(visit.page().locator("#versions tbody tr")).hasCount(2);
        }
        assertEquals("superseded", memory(texts.get(0)).path("status").asText());
        expire(candidate(texts.get(1)).path("memoryId").asText());
    }

    @Test
    void a_conflict_is_settled_later_from_the_reviews_by_narrowing_the_candidate() {
        List<String> texts = conflict("borealis");
        try (Visit visit = promoteAgainst(console.visit(), texts.get(1))) {
            press(visit, "Leave it");
            visit.open("memory-reviews", "Deploy the borealis host");
            visit.page()
                    .locator("tbody tr")
                    .filter(new Locator.FilterOptions().setHasText("Deploy the borealis host"))
                    .getByText("Compare")
                    .click();
            assertThat(visit.page().locator("#conflict .sides section")).hasCount(2);
            visit.button("Settle it").click();
            press(visit, "Narrow the candidate");
            visit.dialog().getByLabel("Title").fill("Backups of borealis end at noon on Sundays");
            visit.dialog().getByLabel("Its name").fill("borealis-sunday");
            confirm(visit, "Narrow the candidate", "The backups run on Sundays only.");
            visit.shows("It stands in the prompts");
        }
        assertEquals("active", memory(texts.get(0)).path("status").asText());
        expire(texts.get(0), candidate(texts.get(1)).path("memoryId").asText());
    }

    @Test
    void both_texts_of_a_conflict_may_hold_or_the_candidate_is_rejected() {
        List<String> both = conflict("corona");
        try (Visit visit = promoteAgainst(console.visit(), both.get(1))) {
            press(visit, "Both hold");
            press(visit, "Keep both");
            visit.shows("It stands in the prompts");
        }
        assertEquals("active", memory(both.get(0)).path("status").asText());
        expire(both.get(0), candidate(both.get(1)).path("memoryId").asText());

        List<String> rejected = conflict("dorado");
        try (Visit visit = promoteAgainst(console.visit(), rejected.get(1))) {
            press(visit, "Reject the candidate");
            visit.dialog().getByLabel("Why; the author reads it").fill("The backups moved to the night.");
            press(visit, "Reject this candidate");
            visit.shows("Nothing moves it any more.");
        }
        assertEquals(0, openReviews(rejected.get(0)));
        expire(rejected.get(0));
    }

    private long openReviews(String memory) {
        return console.database()
                .jdbc()
                .queryForObject(
                        "select count(*) from memory_reviews where memory_id = ?::uuid and closed_at is null",
                        Long.class,
                        memory);
    }

    @Test
    void a_memory_is_confirmed_rewritten_replaced_and_marked_wrong() {
        String first = day.memory(
                "decision",
                "project",
                "atlas",
                "Notes of atlas are written in English",
                "Half of its readers know nothing else.");
        String other = day.memory(
                "decision",
                "project",
                "atlas",
                "Every note of atlas names its owner",
                "Readers ask the owner and not the channel.");
        String second;
        try (Visit visit = console.visit()) {
            visit.open("memories/" + first, "It stands in the prompts");
            visit.button("Confirm").click();
            confirm(visit, "Confirm: this memory", "Asked the readers again.");
            visit.shows("Confirmed");

            visit.button("Write a new version").click();
            visit.dialog().getByLabel("Text").fill("Half of its readers know nothing else; the other half prefers it.");
            confirm(visit, "Write a new version: this memory", "One reader more.");
            visit.link("The memory in its place").click();
            visit.shows("the other half prefers it");
            second = visit.page().url().replaceFirst(".*/", "");

            visit.button("Replace by another").click();
            visit.dialog().getByLabel("The memory that remains").selectOption(other);
            confirm(visit, "Replace by another: this memory", "The owner decides it.");
            visit.link("The memory in its place").click();
            visit.shows("Readers ask the owner");

            visit.button("Mark wrong").click();
            confirm(visit, "Mark wrong: this memory", "Nobody asks the owner.");
            visit.shows("Marked wrong");
            assertThat(visit.page().locator("[data-page-actions]")).hasCount(0);
            visit.link("Audit of this memory").click();
            assertThat(visit.page().locator("tbody tr").first()).containsText("Nobody asks the owner.");
        }
        assertEquals(other, memory(second).path("supersededBy").asText());
    }

    @Test
    void an_end_that_somebody_else_has_made_is_told_in_a_refusal() {
        String id = day.memory(
                "context",
                "service",
                "old-proxy",
                "The old proxy answers twice a day",
                "It restarts at six, and again at noon.");
        try (Visit visit = console.visit().expecting("409")) {
            visit.open("memories/" + id, "It stands in the prompts");
            visit.button("Expire").click();
            bus.call("markMemoryWrong", "memoryId", id, "notes", "The old proxy is gone.");
            confirm(visit, "Expire: this memory", "No longer needed.");
            assertThat(visit.dialog()).containsText("The old proxy is gone");
            press(visit, "Leave it");
            visit.shows("Marked wrong");
        }
    }

    @Test
    void a_review_is_closed_with_the_reason() {
        String id = day.memory(
                "lesson",
                "service",
                "eclipse",
                "Eclipse needs a warm cache",
                "The first query of a day takes a minute.");
        Work work = console.fleet().start("security", "security.review");
        bus.callAs(work.token(), "markMemoryWrong", "memoryId", id, "notes", "My query took a second.");
        console.fleet().complete(work, "Nothing found.");
        try (Visit visit = console.visit()) {
            visit.open("memory-reviews", "Eclipse needs a warm cache");
            visit.page()
                    .locator("tbody tr")
                    .filter(new Locator.FilterOptions().setHasText("Eclipse needs"))
                    .getByText("Close")
                    .click();
            confirm(visit, "Close this review", "The cache was warm already.");
            assertThat(visit.page().getByText("Eclipse needs a warm cache")).hasCount(0);
            visit.button("closed").click();
            visit.shows("The cache was warm already.");
        }
        assertEquals(0, openReviews(id));
        expire(id);
    }

    @Test
    void promotions_are_frozen_and_unfrozen_where_the_candidates_are_and_among_the_other_freezes() {
        try (Visit visit = console.visit().expecting("409")) {
            visit.open("memory-candidates", "Ask the mail host twice");
            visit.button("Freeze promotions").click();
            visit.confirm("Freeze promotion of memories", "bad lessons since noon");
            visit.shows("Promotions are frozen by");

            visit.open(console.fleet().path("memory-candidates/{candidate}"), "It waits for a curator");
            visit.button("Promote").click();
            confirm(visit, "Promote this candidate", "Two jobs show it.");
            assertThat(visit.dialog()).containsText("bad lessons since noon");
            press(visit, "Leave it");

            visit.open("gateways", "promotion of memories");
            visit.button("Unfreeze promotions").click();
            visit.confirm("Unfreeze promotion of memories", "they are gone");
            assertThat(visit.button("Freeze promotions")).isVisible();
        }
    }

    @Test
    void all_memories_of_an_author_that_match_are_counted_and_then_expired() {
        for (int i = 1; i <= 3; i++) {
            day.memory(
                    "context",
                    "service",
                    "lagoon-" + i,
                    "Lagoon " + i + " is "
                            + List.of("", "slow at night", "new since May", "read by nobody")
                                    .get(i),
                    "Seen on lagoon " + i + " by two jobs.");
        }
        try (Visit visit = console.visit()) {
            visit.open("memories?scope=service&subjectKey=lagoon-2", "Lagoon 2");
            visit.button("Expire all that match …").click();
            assertThat(visit.dialog()).containsText("1 memory match");
            confirm(visit, "Expire 1 memory", "the host is gone");
            visit.shows("No memory matches.");
            visit.button("Show all").click();
            visit.shows("Lagoon 3");
        }
        bus.call("expireMemories", "scope", "service", "subjectKey", "lagoon-1", "notes", "end of the test");
        bus.call("expireMemories", "scope", "service", "subjectKey", "lagoon-3", "notes", "end of the test");
    }
}
