/** Evaluations: what the bus finds for a set of questions whose right answers are known. */
package agentbus.eval;
