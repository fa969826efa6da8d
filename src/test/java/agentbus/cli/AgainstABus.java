package agentbus.cli;

import agentbus.contract.Contract;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The base of tests that type commands against a stub of the bus. */
abstract class AgainstABus {
    static final String JOB = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
    static final Contract CONTRACT = Contract.load();

    @TempDir
    Path home;

    BusStub bus;
    Shell shell;

    @BeforeEach
    void startBus() {
        bus = new BusStub();
        shell = new Shell(CONTRACT, bus.url(), home.toString());
    }

    @AfterEach
    void stopBus() {
        bus.close();
    }
}
