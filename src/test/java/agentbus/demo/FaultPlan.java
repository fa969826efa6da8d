package agentbus.demo;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** The faults that wait for their request: first the counted ones, in order, then the lasting ones. */
final class FaultPlan {

    private record Lasting(Predicate<HookRequest> when, Fault fault) {}

    private final Deque<Fault> next = new ArrayDeque<>();
    private final List<Lasting> lasting = new CopyOnWriteArrayList<>();

    synchronized void failNext(int count, Fault fault) {
        for (int i = 0; i < count; i++) {
            next.addLast(fault);
        }
    }

    Runnable addLasting(Predicate<HookRequest> when, Fault fault) {
        Lasting entry = new Lasting(when, fault);
        lasting.add(entry);
        return () -> lasting.removeIf(other -> other == entry);
    }

    synchronized void clear() {
        next.clear();
        lasting.clear();
    }

    /**
     * Takes the fault for a request.
     *
     * @param request the request as far as it has been read
     * @param bodyRead false before the body is read, when only {@link Fault.RefuseToRead} can strike; true afterwards,
     *     when only the others can
     */
    synchronized Optional<Fault> take(HookRequest request, boolean bodyRead) {
        Fault head = next.peekFirst();
        if (head != null && strikes(head, bodyRead)) {
            return Optional.of(next.removeFirst());
        }
        for (Lasting entry : lasting) {
            if (strikes(entry.fault(), bodyRead) && entry.when().test(request)) {
                return Optional.of(entry.fault());
            }
        }
        return Optional.empty();
    }

    private static boolean strikes(Fault fault, boolean bodyRead) {
        return bodyRead != (fault instanceof Fault.RefuseToRead);
    }
}
