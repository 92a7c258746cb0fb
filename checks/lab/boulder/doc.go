// Package boulder is a certificate authority for tests which behaves like Let's Encrypt's Boulder.
package boulder

// Pebble, the CA that Let's Encrypt offers for tests, has no rate limits, no
// pausing, no charge for a deactivation, and lists an account's orders. What a
// client has to do about these can be judged only by a CA that has Boulder's
// ways; this one is written from what Boulder says and does (its state of
// August 2026), and imports nothing else of this module.
//
// A CA has two doors. Start opens a TLS port on loopback; Client and Transport
// lead to the same handlers without a socket, which is what tests in virtual
// time need. Below them lies the model: everything a request can do can be
// done by a method as well, thousands of times a second.
//
// Where the CA is stricter or simpler than Boulder, a comment says so.
