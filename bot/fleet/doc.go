// Package fleet is the protocol between the bot, its hub and its agents: the names
// of subjects and streams, the rights of an agent, its enrolment, and connecting.
//
// The hub is a NATS server with JetStream, ours (package hub) or another one. An agent
// stands on a panel's host or at a vantage point, dials out to the hub, and says what
// it saw; the bot alone judges. Without `fleet` in the configuration nothing here is
// called.
package fleet

// Protocol is the version of what agents and the bot say to each other. It grows when
// one that does not know the change would misunderstand it.
const Protocol = 1
