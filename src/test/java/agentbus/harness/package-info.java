/** What tests stand on: one real Postgres for the JVM, a database of its own for each class, and buses on it. */
package agentbus.harness;
