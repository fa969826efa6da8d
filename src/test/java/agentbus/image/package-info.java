/** The container image of this build; only the profile image makes it and runs these tests. */
package agentbus.image;
