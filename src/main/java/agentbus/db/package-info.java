/** The database: which one, how to reach it, a server of our own where none is given, and the schema in it. */
package agentbus.db;
