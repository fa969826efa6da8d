/**
 * The vault: a folder of Markdown that shows the ledger. {@link agentbus.vault.VaultExport} writes it;
 * {@link agentbus.vault.Projection} says which notes it has to hold, for whoever writes, reads or verifies them.
 */
package agentbus.vault;
