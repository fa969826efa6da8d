package agentbus.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NearestTest {
    private static final List<String> NAMES = List.of("targetAgent", "subject", "priority", "payload");

    @Test
    void a_slip_of_the_finger_finds_its_name() {
        assertEquals(Optional.of("subject"), Nearest.of("subjcet", NAMES));
        assertEquals(Optional.of("targetAgent"), Nearest.of("target_agent", NAMES));
        assertEquals(Optional.of("targetAgent"), Nearest.of("--TARGET-AGENT", NAMES));
    }

    @Test
    void the_beginning_of_one_name_alone_is_that_name() {
        assertEquals(Optional.of("priority"), Nearest.of("prio", NAMES));
        assertEquals(Optional.empty(), Nearest.of("p", NAMES));
        assertEquals(Optional.empty(), Nearest.of("list", List.of("list-the-jobs", "list-the-agents")));
    }

    @Test
    void of_equally_near_names_it_is_the_first() {
        assertEquals(Optional.of("jobs"), Nearest.of("job", List.of("jobs", "joba")));
    }

    @Test
    void nothing_near_is_nothing() {
        assertEquals(Optional.empty(), Nearest.of("wibble", NAMES));
        assertEquals(Optional.empty(), Nearest.of("wibble", List.of()));
        assertEquals(Optional.empty(), Nearest.of("x".repeat(101), List.of("x".repeat(101))));
    }

    @Test
    void the_hint_names_one_or_all() {
        assertEquals("did you mean payload?", Nearest.hint("paylaod", NAMES));
        assertEquals("the known ones are targetAgent, subject, priority, payload", Nearest.hint("wibble", NAMES));
        assertEquals("there are none", Nearest.hint("wibble", List.of()));
    }
}
