/** The hostile tests: real processes and a real Postgres under faults, counted at the gateway and in the database. */
package chaos;
