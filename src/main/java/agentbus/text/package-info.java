/** The ground floor: JSON, hashes, and words for people, the same in every part of the bus. It imports no other package of ours. */
package agentbus.text;
