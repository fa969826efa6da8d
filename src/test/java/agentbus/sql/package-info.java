/** The state machine, called as the doors and the dispatcher call it: every transition, every refusal, one SQL function at a time. */
package agentbus.sql;
