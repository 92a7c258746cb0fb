// Package lab serves the two chat APIs on loopback, enforcing their limits.
package lab

// The servers speak the real protocols (Telegram's Bot API over HTTP, Slack's
// Web API over HTTP with Socket Mode over WebSocket) and refuse whatever the
// real ones refuse. They are written from the public documentation and import
// nothing else of this module, so that they can judge it. Where the lab is
// stricter than the real service, a comment says so.
