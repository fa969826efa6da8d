package agentbus.contract;

import java.util.Optional;

/**
 * What the contract says is special about an operation: its {@code x-issues-token}, {@code x-hands-out-attempts},
 * {@code x-closes-attempt} and {@code x-batch}. Most operations have none of them.
 *
 * @param issuedPrefix the first letters of the long-lived token that it makes
 * @param attemptList the field of its answer that lists claimed attempts
 * @param closesAttempt whether its answer tells that an attempt was closed
 * @param batch how its calls share a statement
 */
public record Special(
        Optional<String> issuedPrefix, Optional<String> attemptList, boolean closesAttempt, Optional<Batch> batch) {}
