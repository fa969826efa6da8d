package agentbus.demo;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The demo's gateway and agents; each agent shows one possible course of a job. The devops agent reports progress and
 * succeeds, research hands over by an event, and design blocks on a time. Security asks a person, or blocks on one, and ends
 * the job once somebody has answered. Product-metrics fails now and then, and knowledge fails without a retry. The first
 * job of project-tracker gets no answer and becomes a dead letter; once redriven, it succeeds.
 * {@link DemoStory} adds proposals, memories, reports and idle thinking.
 */
public final class DemoFleet implements AutoCloseable {
    private static final String JOBS = "routes/demo/demo-jobs.json";
    private static final long SEED = 7;
    /**
     * Chosen: a silent agent occupies its job's session for this long, so the demo shows the next attempt within a
     * minute. A real gateway gives a run half an hour.
     */
    private static final Duration RUN_TIMEOUT = Duration.ofSeconds(18);

    private static final Outcome NOTHING_TO_DO = new Outcome.Calls(
            Duration.ofSeconds(2),
            List.of(new Outcome.Call(
                    "complete",
                    Map.of(
                            "outcome",
                            "no_work",
                            "summary",
                            "Nothing has changed since the last run.",
                            "evidence",
                            Map.of("lookedAt", "jobs and events since the last run", "found", 0)))));

    private static final Set<String> FLEET = Set.of(
            "coordinator",
            "auditor",
            "project-tracker",
            "knowledge",
            "devops",
            "product-metrics",
            "design",
            "security",
            "research",
            "publisher");

    /** Begins the subject of each job of a standing order. */
    private static final String ORDER = "standing_order.";

    private final DemoStory story;
    private final SimulatedAgents agents;
    private final SimulatedGateway gateway;
    private final JsonNode once;
    private final JsonNode always;
    private final AtomicInteger next = new AtomicInteger();

    /**
     * Starts the gateway.
     *
     * @param url the gateway's address: an http URL of this machine with a port
     * @param hookToken the token that hook calls must carry
     */
    public DemoFleet(String url, String hookToken) {
        this(url, hookToken, 1);
    }

    /** As above, with agents that work {@code haste} times faster on the jobs of the story. */
    DemoFleet(String url, String hookToken, int haste) {
        story = new DemoStory(haste);
        agents = new SimulatedAgents(SimulatedAgents.Options.of(scripts(), SEED), this::scriptOf);
        gateway = new SimulatedGateway(
                GatewayOptions.measured(URI.create(url).getPort(), hookToken, FLEET, RUN_TIMEOUT), agents);
        try (InputStream in = DemoFleet.class.getClassLoader().getResourceAsStream(JOBS)) {
            JsonNode jobs = Json.read(in);
            once = jobs.get("once");
            always = jobs.get("always");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The next job. Jobs that end badly come once, so that dead letters do not pile up; the others begin again after the
     * last.
     *
     * @return a JSON object as text
     */
    public String nextJob() {
        int number = next.getAndIncrement();
        JsonNode job = number < once.size() ? once.get(number) : always.get((number - once.size()) % always.size());
        return job.toString();
    }

    /**
     * Goes to the next call of the story.
     *
     * @return false if the story is over
     */
    public boolean advance() {
        return story.advance();
    }

    /**
     * The operation of the present call.
     *
     * @return its name, as in the contract
     */
    public String operation() {
        return story.operation();
    }

    /**
     * The input of the present call.
     *
     * @return a JSON object as text
     */
    public String input() {
        return story.input();
    }

    /**
     * Takes the answer to the present call.
     *
     * @param answer the answer
     * @throws JsonProcessingException if it is not JSON
     */
    public void answered(String answer) throws JsonProcessingException {
        story.answered(answer);
    }

    @Override
    public void close() {
        gateway.close();
        agents.close();
    }

    /** The script of the story, or for a standing order that is not in it, that there was nothing to do. */
    private Optional<AgentScript> scriptOf(String subject) {
        Optional<AgentScript> told = story.script(subject);
        return told.isEmpty() && subject.startsWith(ORDER) ? Optional.of(AgentScript.always(NOTHING_TO_DO)) : told;
    }

    private static Map<String, AgentScript> scripts() {
        Duration moment = Duration.ofMillis(800);
        Duration longer = Duration.ofSeconds(4);
        Outcome checked = new Outcome.Complete(
                longer,
                List.of(new Outcome.Progress(30, "asking the hosts"), new Outcome.Progress(70, "reading the answers")),
                "All hosts answer.",
                Map.of("healthy", true),
                List.of(),
                List.of(new Outcome.Event("infra.checked", Map.of("healthy", true))));
        // The publisher subscribes to this topic, so the event creates its next job in the same transaction.
        Outcome packet = new Outcome.Complete(
                moment,
                List.of(),
                "Three sources compared; the packet is ready.",
                Map.of("sources", 3),
                List.of(),
                List.of(new Outcome.Event("research.packet.ready", Map.of("packet", "queue-semantics"))));
        Outcome done = new Outcome.Complete(moment, "The status of all projects is collected.");
        Outcome written = new Outcome.Complete(moment, "The summary is written, in three sentences.");
        Outcome planned = new Outcome.Complete(moment, "Looked at what waits; the order of the work stays.");
        Outcome looked = new Outcome.Complete(moment, "Looked at the checkout on three screens; two remarks.");
        Outcome counted = new Outcome.Complete(moment, "Sign-ups are up by 4 % against last week.");
        Outcome soon = new Outcome.Block(moment, "The designs come in a few seconds.", Map.of("at", "PT15S"));
        Outcome noAccess =
                new Outcome.Block(moment, "I may not read the repository of the login form.", Map.of("person", "anna"));
        Outcome question = new Outcome.Ask(
                moment,
                "The new login form keeps sessions for 30 days. Is that wanted?",
                List.of("yes, 30 days", "no, one day"),
                "A stolen session stays usable for as long. The review waits for the answer.");
        Outcome reviewed =
                new Outcome.Complete(moment, "Reviewed, with the answer of the operator taken into account.");
        Outcome flaky = new Outcome.Fail(moment, "The metrics store timed out.", Optional.of(Duration.ofSeconds(3)));
        Outcome hopeless = new Outcome.Fail(moment, "The folder notes does not exist.", Optional.empty());
        return Map.of(
                "devops", AgentScript.always(checked),
                "research", AgentScript.always(packet),
                "publisher", AgentScript.always(written),
                "coordinator", AgentScript.always(planned),
                "design", AgentScript.weighted(new AgentScript.Weighted(1, soon), new AgentScript.Weighted(1, looked)),
                // The first job asks, the second blocks, and all further ones ask.
                "security", AgentScript.inOrder(question, noAccess, question).onceAnswered(reviewed),
                "product-metrics",
                        AgentScript.weighted(new AgentScript.Weighted(2, flaky), new AgentScript.Weighted(1, counted)),
                "knowledge", AgentScript.always(hopeless),
                "project-tracker", AgentScript.inOrder(new Outcome.Ignore(), new Outcome.Ignore(), done));
    }
}
