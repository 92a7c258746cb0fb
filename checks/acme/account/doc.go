// Package account works with one account at a CA (RFC 8555).
//
// It reads and cancels authorizations, and never orders by itself: see
// [Client.ProbeOrder] for the one method that does. The library signs (JOSE);
// everything else is plain HTTP, for the ready clients lose Retry-After,
// sleep an hour inside a call, or know no list of orders.
package account
