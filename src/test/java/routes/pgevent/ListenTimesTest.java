package routes.pgevent;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ListenTimesTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

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
