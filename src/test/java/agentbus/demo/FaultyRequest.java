package agentbus.demo;

import agentbus.text.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One hook request that is counted in the ledger, and that a fault may strike. */
final class FaultyRequest implements GatewayWatch.Request {
    private final GatewayLedger.RequestEntry entry;
    private final FaultPlan faults;
    private Optional<Fault> fault = Optional.empty();

    FaultyRequest(GatewayLedger.RequestEntry entry, FaultPlan faults) {
        this.entry = entry;
        this.faults = faults;
    }

    @Override
    public boolean readsBody(String agentId, String idempotencyKey) {
        return faults.take(new HookRequest(agentId, idempotencyKey, ""), false).isEmpty();
    }

    @Override
    public Optional<GatewayAnswer> instead(String agentId, String idempotencyKey, byte[] body) {
        entry.read(agentId, idempotencyKey, Sha256.hex(body));
        fault = faults.take(new HookRequest(agentId, idempotencyKey, new String(body, StandardCharsets.UTF_8)), true);
        return fault.filter(Fault.Answer.class::isInstance).map(answer -> ((Fault.Answer) answer).toAnswer());
    }

    @Override
    public void answer(int status, Runnable send, Runnable cut) {
        // Before the write, so that a client that has its answer finds it in the ledger.
        Runnable counted = () -> {
            entry.answered(status);
            send.run();
        };
        if (fault.isPresent() && fault.get() instanceof Fault.CutConnection) {
            entry.answered(GatewayLedger.ReceivedRequest.CUT);
            cut.run();
        } else if (fault.isPresent() && fault.get() instanceof Fault.DelayAnswer delay) {
            CompletableFuture.delayedExecutor(delay.by().toNanos(), TimeUnit.NANOSECONDS)
                    .execute(counted);
        } else {
            counted.run();
        }
    }
}
