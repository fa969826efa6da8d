package routes.pgevent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ListenServerTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    @Test
    void its_text_names_the_place_without_the_password() {
        ListenServer server = new ListenServer("db", 5432, "agentbus", "bus", "secret");
        assertEquals("bus@db:5432/agentbus", server.toString());
    }

    @Test
    void a_place_that_cannot_be_is_refused() {
        assertThrows(IllegalArgumentException.class, () -> new ListenServer(" ", 5432, "d", "u", ""));
        assertThrows(IllegalArgumentException.class, () -> new ListenServer("h", 0, "d", "u", ""));
        assertThrows(IllegalArgumentException.class, () -> new ListenServer("h", 65_536, "d", "u", ""));
    }

    @Test
    void times_that_cannot_be_are_refused() {
        assertThrows(
                IllegalArgumentException.class, () -> new ListenTimes(Duration.ZERO, SECOND, SECOND, SECOND, SECOND));
        assertThrows(
                IllegalArgumentException.class,
                () -> new ListenTimes(SECOND, SECOND, Duration.ofMillis(900), SECOND, SECOND));
        assertThrows(
                IllegalArgumentException.class,
                () -> new ListenTimes(SECOND, SECOND, SECOND, SECOND, Duration.ofMillis(1)));
    }
}
