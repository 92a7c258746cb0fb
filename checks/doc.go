// Package checks defines sites, certificates, attempts, findings with their
// codes, and the verdict that reduces findings to one root cause.
//
// A check returns findings, and an error only when it could not look. "Could
// not look" is never "all is well" and never "broken".
package checks
