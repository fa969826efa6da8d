/** Words for people, the same from every part of the bus. */
package agentbus.text;
