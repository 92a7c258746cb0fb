// Package web walks the way to an http-01 challenge as the CA's validators do
// (RFC 8555 section 8.3).
//
// The rules are those of Boulder, Let's Encrypt's CA: the first AAAA record,
// else the first A; IPv4 after IPv6 only when a dial fails, and then from the
// first URL again; up to eleven redirects of four kinds; 128 bytes of body.
// Two verdicts are kept apart: what the CA would see decides the severity,
// and what is wrong anyway is added as a finding of severity Info.
//
// One answer is no evidence where a balancer stands in front, so what failed
// once is asked again over fresh connections, and the pattern is reported.
// A name with several addresses of a family is a coin toss for the CA, which
// takes whichever comes first: when one of them fails and another does not,
// that is web.flapping with the pattern "address".
package web
