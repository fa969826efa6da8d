package agentbus.contract;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * The rare properties of an operation in the contract: {@code x-issues-token}, {@code x-hands-out-attempts},
 * {@code x-closes-attempt}, {@code x-repairs-input}, {@code x-batch}, {@code x-text}, {@code x-phase} and {@code x-idle}.
 * Most operations have none of them.
 *
 * @param issuedPrefix the prefix of the long-lived token that the operation issues
 * @param attemptList the field of the answer that lists claimed attempts
 * @param closesAttempt whether the operation closes an attempt
 * @param repairsInput whether texts and numbers of the input are repaired rather than refused
 * @param batch how calls of the operation share a statement
 * @param textField the field of the answer that the command line prints as it is
 * @param phase the phase that the operation writes for; it is refused while that phase is off or frozen
 * @param idle whether the attempt of an idle job may call the operation, although it writes
 */
public record Special(
        Optional<String> issuedPrefix,
        Optional<String> attemptList,
        boolean closesAttempt,
        boolean repairsInput,
        Optional<Batch> batch,
        Optional<String> textField,
        OptionalInt phase,
        boolean idle) {}
