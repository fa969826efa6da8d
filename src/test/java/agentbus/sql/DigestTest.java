package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What digests say and hold back: at most 400 words and 7 items, however much there is, and no markup of others. */
@ExtendWith(PostgresExtension.class)
class DigestTest {
    /** A code span; what is outside of them is written by the bus. */
    private static final Pattern CODE = Pattern.compile("`[^`]*`");

    private static final List<String> KINDS = List.of("daily_digest", "ideas_digest", "weekly_report", "weekly_bets");

    private Machine bus;
    private ProposalRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        database.agents(Map.of("publisher", new String[] {"digest.publish"}));
        rows = new ProposalRows(bus);
    }

    /** A report up to now, with the limits that hold for each. */
    private JsonNode report(String kind) {
        JsonNode report =
                bus.one("select whole_report(new_report('default', ?, now() - report_period(?), now()))", kind, kind);
        String text = report.get("markdown").asText();
        long words = Stream.of(text.split("\\s+"))
                .filter(word -> word.matches("(?U).*\\w.*"))
                .count();
        long items = text.lines().filter(line -> line.matches("\\d+\\. .*")).count();
        assertTrue(words <= 400, () -> words + " words:\n" + text);
        assertTrue(items <= 7, text);
        assertEquals(words, report.get("words").asLong(), text);
        assertEquals(items, report.get("items").asLong(), text);
        assertEquals(items, report.get("sources").size(), text);
        text.lines()
                .filter(line -> line.matches("\\d+\\. .*"))
                .forEach(line -> assertTrue(
                        line.matches(
                                "\\d+\\. \\*\\*(Decide|Know|Nothing asked):\\*\\* .+\\. Evidence: .+\\. Next: .+\\."),
                        line));
        return report;
    }

    private String text(String kind) {
        return report(kind).get("markdown").asText();
    }

    /** A report as an order of the publisher gets it, which later digests remember. */
    private JsonNode handed(String kind) {
        return handed(kind, UUID.randomUUID().toString());
    }

    private JsonNode handed(String kind, String job) {
        return bus.one(
                """
                with composed as (select new_report('default', ?, now() - report_period(?), now()) as report),
                kept as (select keep_report(report, ?::uuid) from composed)
                select whole_report(report) from composed, kept""",
                kind,
                kind,
                job);
    }

    /** Moves what there is so far into the past. */
    private void later(Duration time) {
        String by = time.toSeconds() + " seconds";
        for (String columns : List.of(
                "reports set period_from = period_from - x, period_to = period_to - x",
                "opportunities set created_at = created_at - x, converted_at = converted_at - x",
                "ideas set created_at = created_at - x",
                "jobs set ended_at = ended_at - x")) {
            bus.jdbc().update("update " + columns.replace(" x", " interval '" + by + "'"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"daily_digest", "ideas_digest", "weekly_report", "weekly_bets"})
    void a_time_with_nothing_is_one_line_that_says_so(String kind) {
        JsonNode report = report(kind);

        assertEquals(1, report.get("markdown").asText().strip().lines().count(), report::toString);
        assertTrue(
                report.get("markdown").asText().matches("\\*\\*.*\\*\\*, .* UTC: (nothing was|no job ended).*\\.\n"));
        assertEquals("{}", report.get("leftOut").toString());
    }

    @Test
    void an_item_says_what_is_asked_its_evidence_and_its_next_step() {
        String id = rows.opportunity("impact", 4, "confidence", 5, "title", "Retry the nightly import");

        String text = text("ideas_digest");

        assertTrue(
                text.contains(
                        "\n\n**1 decision is asked of you.**\n\n1. **Decide:** [`Retry the nightly import`](/console/opportunities/"
                                + id
                                + "), proposed by research, because `It failed on three Mondays` (impact 4, confidence 5, urgency 3)."
                                + " Evidence: `https://example.org/"),
                text);
        assertTrue(text.endsWith(" of 1 November. Next: devops, `Add a retry`.\n"), text);
    }

    @Test
    void the_limits_hold_with_ten_thousand_proposals_in_a_day_and_the_rest_is_counted() {
        // Without triggers, because twenty thousand audit rows are of no interest here.
        bus.jdbc()
                .execute(
                        """
                        begin;
                        set local session_replication_role = replica;
                        insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence, impact,
                          confidence, urgency, reversibility, owner_candidate, suggested_next_step)
                        select 'default', 'agent-' || n % 50, 'theme', repeat('word ', 60) || n, repeat('because ', 300), 'x',
                          '[{"kind": "job", "id": "00000000-0000-4000-8000-000000000001"}]', 1 + n % 5, 1 + n / 5 % 5, 1 + n % 4,
                          'high', 'devops', repeat('step ', 100)
                        from generate_series(1, 10000) n;
                        insert into ideas (namespace, source_agent, theme, title, body)
                        select 'default', 'agent-' || n % 50, 'theme', 'idea ' || n, repeat('long ', 200)
                        from generate_series(1, 10000) n;
                        commit""");
        bus.jdbc().execute("analyze opportunities, ideas");
        Instant began = Instant.now();

        JsonNode digest = report("ideas_digest");
        JsonNode memo = report("weekly_bets");

        Duration took = Duration.between(began, Instant.now());
        assertTrue(took.toSeconds() < 10, took::toString);
        int weak = bus.jdbc()
                .queryForObject("select count(*) from opportunities where impact * confidence < 6", Integer.class);
        int shown = (int) digest.get("sources").findValuesAsText("part").stream()
                .filter("opportunities"::equals)
                .count();
        assertTrue(shown >= 4, digest::toString);
        assertEquals(weak, digest.at("/leftOut/weak").asInt());
        assertEquals(10_000 - weak - shown, digest.at("/leftOut/opportunities").asInt());
        assertEquals(
                10_000 - digest.get("items").asInt() + shown,
                digest.at("/leftOut/ideas").asInt());
        assertTrue(digest.get("markdown").asText().contains("\nLeft out: "), digest::toString);
        assertTrue(digest.get("markdown").asText().length() < 6_000, digest::toString);
        assertTrue(memo.get("items").asInt() >= 4, memo::toString);
    }

    @Test
    void the_best_come_first_and_the_weak_are_only_counted() {
        rows.opportunity("title", "middle", "impact", 3, "confidence", 3);
        rows.opportunity("title", "best", "impact", 5, "confidence", 5);
        rows.opportunity("title", "guess", "impact", 5, "confidence", 1);

        JsonNode digest = report("ideas_digest");

        String text = digest.get("markdown").asText();
        assertTrue(text.indexOf("`best`") < text.indexOf("`middle`"), text);
        assertFalse(text.contains("guess"), text);
        assertEquals("{\"weak\":1}", digest.get("leftOut").toString());
        assertTrue(text.endsWith("\nLeft out: 1 opportunity too weak to tell.\n"), text);
    }

    @Test
    void an_opportunity_is_told_once_and_then_only_counted_until_the_memo_of_the_week() {
        rows.opportunity("title", "told today");
        assertTrue(handed("ideas_digest").get("markdown").asText().contains("`told today`"));
        later(Duration.ofDays(1));
        rows.opportunity("title", "new today");

        JsonNode digest = report("ideas_digest");

        assertTrue(digest.get("markdown").asText().contains("`new today`"), digest::toString);
        assertFalse(digest.get("markdown").asText().contains("`told today`"), digest::toString);
        assertEquals(1, digest.at("/leftOut/toldBefore").asInt());
        assertTrue(text("weekly_bets").contains("`told today`"));
    }

    @Test
    void what_a_full_day_left_out_is_told_on_the_next_quiet_one() {
        for (int n = 0; n < 9; n++) {
            rows.opportunity("title", "proposal " + n);
        }
        assertEquals(2, handed("ideas_digest").at("/leftOut/opportunities").asInt());
        later(Duration.ofDays(1));

        JsonNode next = report("ideas_digest");

        assertEquals(2, next.get("items").asInt(), next::toString);
        assertEquals(7, next.at("/leftOut/toldBefore").asInt());
    }

    @Test
    void what_came_of_a_proposal_is_told_when_its_job_begins_and_when_it_ends() {
        String job = bus.enqueue();
        rows.converted(job, 1);
        String begun = handed("ideas_digest").get("markdown").asText();
        assertTrue(begun.contains("is now a job of devops (queued), by decision of coordinator."), begun);
        assertTrue(begun.contains("Nothing is asked of you."), begun);
        later(Duration.ofHours(2));
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        bus.say(attempt, "complete_job", "summary", "The import is retried.");

        JsonNode digest = handed("ideas_digest");

        assertTrue(
                digest.get("markdown").asText().contains("is done by devops: `The import is retried`."),
                digest::toString);
        assertEquals("outcomes", digest.at("/sources/0/part").asText());
        later(Duration.ofHours(2));
        assertEquals(0, report("ideas_digest").get("items").asInt(), "an end is told once");
    }

    @Test
    void an_end_and_a_new_job_are_both_told_and_neither_is_counted_as_left_out() {
        rows.converted(bus.dead(), 1);
        rows.converted(bus.enqueue(), 1);

        JsonNode digest = report("ideas_digest");

        assertEquals(List.of("outcomes", "conversions"), digest.get("sources").findValuesAsText("part"));
        assertEquals("{}", digest.get("leftOut").toString());
    }

    @Test
    void what_stood_in_a_report_whose_job_came_to_nothing_is_told_again() {
        rows.opportunity("title", "told to nobody");
        String job = bus.enqueue();
        handed("ideas_digest", job);
        later(Duration.ofDays(1));
        assertFalse(text("ideas_digest").contains("`told to nobody`"), "the job may still tell it");

        bus.ask("cancel_job", "jobId", job, "reason", "the mail is down");

        assertTrue(text("ideas_digest").contains("`told to nobody`"));
    }

    @Test
    void evidence_that_is_a_slot_or_an_event_is_a_link_in_each_namespace() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        Orders orders = new Orders(bus);
        orders.hourly(Orders.hour(1), Orders.order("check"));
        String slot = bus.jdbc().queryForObject("select min(run_id::text) from standing_order_runs", String.class);
        String event = bus.jdbc()
                .queryForObject(
                        "insert into events (namespace, topic) values ('default', 'infra.checked') returning event_id::text",
                        String.class);

        assertEquals("[slot](/console/orders/check?run=" + slot + ")", evidence("default", "slot", slot));
        assertEquals("[event](/console/events?event=" + event + ")", evidence("default", "event", event));
        assertEquals("[event](/console/events?event=" + event + "&namespace=other)", evidence("other", "event", event));
        String gone = UUID.randomUUID().toString();
        assertEquals("slot `" + gone + "`", evidence("default", "slot", gone));
    }

    private String evidence(String namespace, String kind, String id) {
        return bus.jdbc()
                .queryForObject(
                        "select evidence_link(?, jsonb_build_object('kind', ?, 'id', ?))",
                        String.class,
                        namespace,
                        kind,
                        id);
    }

    @Test
    void the_conversions_of_a_year_cost_a_digest_no_look_at_the_job_of_each() {
        bus.jdbc()
                .execute(
                        """
                        begin;
                        set local session_replication_role = replica;
                        insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence, impact,
                          confidence, urgency, reversibility, owner_candidate, suggested_next_step, status, converted_job_id,
                          converted_at, ended_at)
                        select 'default', 'research', 'theme', 'bet ' || n, 'because', 'x', '[]', 3, 3, 3, 'high', 'devops', 'step',
                          'converted_to_job', new_id(), at, at
                        from generate_series(1, 5000) n
                        cross join lateral (select now() - interval '10 days' - n * interval '1 hour' as at) made;
                        commit""");
        bus.jdbc().execute("analyze opportunities");

        JsonNode plan = bus.one("explain (analyze, buffers, format json)"
                + " select count(*) from bets_between('default', now() - interval '7 days', now())");

        long pages = Machine.pagesOf(plan);
        assertTrue(pages < 1_000, plan::toString);
    }

    @Test
    void the_daily_digest_begins_with_what_only_a_person_can_move_and_then_tells_failures_and_results() {
        bus.say(bus.running("priority", 300), "complete_job", "summary", "Disks are clean again.");
        bus.say(bus.running(), "fail_job", "error", "no route to web-3", "retry", false);
        Attempt idle = bus.running();
        bus.say(idle, "complete_job", "outcome", "no_work", "summary", "nothing", "evidence", Machine.json("hosts", 3));
        Attempt asked = bus.running();
        bus.say(asked, "block_job", "reason", "which host?", "unblock", Machine.json("person", "anna"));

        JsonNode digest = report("daily_digest");

        List<String> asks = digest.get("sources").findValuesAsText("part");
        assertEquals(List.of("needs", "failures", "results"), asks, digest::toString);
        String text = digest.get("markdown").asText();
        assertTrue(text.contains("UTC: jobs: 2 succeeded and 1 failed.\n"), text);
        assertTrue(text.contains("1. **Decide:** `devops waits for anna (infra.check): which host?`, since "), text);
        assertTrue(text.contains("1 job of devops (`infra.check`) failed: `no route to web-3`."), text);
        assertTrue(text.contains("devops finished `infra.check`: `Disks are clean again`."), text);
    }

    @Test
    void the_weekly_report_compares_with_the_week_before() {
        for (int n = 0; n < 3; n++) {
            bus.complete(bus.running());
        }
        later(Duration.ofDays(8));
        bus.say(bus.running(), "complete_job", "summary", "The runbook is new.");

        String text = text("weekly_report");

        assertTrue(text.contains("jobs: 1 succeeded (in the time before: 3 succeeded)"), text);
        assertTrue(text.contains("devops finished 1 job (3 in the time before), such as `The runbook is new`."), text);
    }

    @Test
    void markup_of_agents_is_data_in_every_report() {
        String hostile =
                "a`b` ``` **c** [d](javascript:alert(1)) [[Secret note]] <script>x</script> {{tp}} <% tp %> %%hidden%%\n"
                        + "# heading\n1. item ![i](https://evil.example/p.png) $= dv.pages() \u202Ertl \u200Bzero https://evil.example";
        rows.opportunity(
                "title",
                hostile,
                "why_now",
                hostile,
                "suggested_next_step",
                hostile,
                "source_agent",
                hostile,
                "owner_candidate",
                hostile,
                "impact",
                5,
                "evidence",
                Machine.parse("[{\"kind\": \"url\", \"url\": \"https://evil.example/`](x)[[y]]\"}]"));
        rows.opportunity("title", "`= this.secret", "why_now", "$= x", "impact", 5);
        rows.idea("title", hostile, "body", hostile);
        bus.say(bus.running(), "complete_job", "summary", hostile);
        bus.say(bus.running(), "fail_job", "error", hostile, "retry", false);
        Attempt asked = bus.running();
        bus.say(asked, "block_job", "reason", hostile, "unblock", Machine.json("person", "anna"));

        for (String kind : KINDS) {
            String text = text(kind);
            String own = CODE.matcher(text).replaceAll("");
            for (String mark : List.of("`", "<", "[[", "{{", "%%", "javascript", "evil", "Secret", "#  ", "!")) {
                assertFalse(own.contains(mark), () -> mark + " in " + kind + ":\n" + text);
            }
            for (String pair : List.of("[[", "{{", "<%", "%%", "`= ", "`$=", "\u202E", "\u200B")) {
                assertFalse(text.contains(pair), () -> pair + " in " + kind + ":\n" + text);
            }
            assertTrue(report(kind).get("items").asInt() > 0, text);
        }
    }

    @Test
    void a_text_without_spaces_is_cut_too() {
        rows.opportunity("title", "x".repeat(5_000), "why_now", "y".repeat(5_000), "impact", 5);

        assertTrue(text("ideas_digest").length() < 900, text("ideas_digest"));
    }
}
