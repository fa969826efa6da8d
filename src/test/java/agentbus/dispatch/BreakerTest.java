package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BreakerTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000);
    private final Breaker breaker = new Breaker(now::get);

    @Test
    void three_failures_in_a_row_open_it_and_the_third_says_so() {
        assertFalse(breaker.failed());
        assertFalse(breaker.failed());
        assertTrue(breaker.closed());

        assertTrue(breaker.failed());

        assertFalse(breaker.closed());
    }

    @Test
    void a_success_between_them_counts_from_the_start() {
        breaker.failed();
        breaker.failed();
        breaker.succeeded();

        assertFalse(breaker.failed());
        assertFalse(breaker.failed());
        assertTrue(breaker.closed());
    }

    @Test
    void failures_of_tries_that_were_under_way_say_nothing_and_make_the_pause_no_longer() {
        open();
        now.addAndGet(Breaker.PAUSE.toNanos() - 1);
        assertFalse(breaker.failed());
        now.addAndGet(1);

        assertTrue(breaker.closed());
    }

    @Test
    void after_the_pause_one_failure_opens_it_again_and_a_success_closes_it() {
        open();
        now.addAndGet(Breaker.PAUSE.toNanos());
        assertTrue(breaker.failed());
        assertFalse(breaker.closed());
        now.addAndGet(Breaker.PAUSE.toNanos());
        breaker.succeeded();

        assertFalse(breaker.failed());
        assertTrue(breaker.closed());
    }

    private void open() {
        for (int i = 0; i < Breaker.FAILURES; i++) {
            breaker.failed();
        }
    }
}
