/** The hostile tests: real processes, a real Postgres, and what goes wrong with both, counted at the gateway and in the ledger. */
package chaos;
