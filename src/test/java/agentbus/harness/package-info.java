/** The base of the tests: one real Postgres per JVM, one database per test class, and buses on it. */
package agentbus.harness;
