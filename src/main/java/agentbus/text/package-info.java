/**
 * The lowest layer: JSON, hashes and wording, which every part of the bus shares. It imports no other package of
 * agentbus.
 */
package agentbus.text;
