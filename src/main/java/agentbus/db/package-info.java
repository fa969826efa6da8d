/**
 * The database: its address, the embedded server for installations without one, the connection pool, the statements and
 * the schema.
 */
package agentbus.db;
