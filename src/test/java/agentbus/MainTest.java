package agentbus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.contract.Contract;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void each_command_says_the_same_of_itself_in_the_help_of_the_program_and_in_its_own() {
        Main.commands(Contract.load(), System.out, System.err, Map.of())
                .forEach((name, command) -> assertEquals(
                        command.summary(), command.spec().get().usageMessage().description()[0], name));
    }
}
