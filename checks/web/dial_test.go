package web

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"domovoy/checks"
)

// TestDialFault distinguishes a site that cannot be reached from a host without
// a network.
func TestDialFault(t *testing.T) {
	reachable := netip.MustParseAddrPort("127.0.0.1:80")
	routeless := netip.MustParseAddrPort("[fe80::1]:80") // link-local address of an interface that does not exist
	tests := []struct {
		to   netip.AddrPort
		err  error
		code checks.Code // empty: this host could not connect
	}{
		{reachable, syscall.ECONNREFUSED, checks.WebRefused},
		{reachable, syscall.ECONNRESET, checks.WebReset},
		{reachable, syscall.ETIMEDOUT, checks.WebTimeout},
		{reachable, syscall.EHOSTUNREACH, checks.WebRefused}, // a firewall's REJECT
		{routeless, syscall.ENETUNREACH, ""},
		{reachable, syscall.EMFILE, ""},
		{reachable, syscall.EPERM, ""}, // a firewall of our own
		{reachable, syscall.EADDRNOTAVAIL, ""},
	}
	for _, tt := range tests {
		f, err := dialFault(t.Context(), tt.to, tt.err)
		if tt.code == "" {
			if f != nil || err == nil || errors.Is(tt.err, syscall.ENETUNREACH) != errors.Is(err, ErrNoNetwork) {
				t.Errorf("%s, %v: fault %v, err %v", tt.to, tt.err, f, err)
			}
			continue
		}
		if err != nil || f.code != tt.code || !f.dial {
			t.Errorf("%s, %v: fault %v, err %v", tt.to, tt.err, f, err)
		}
	}
}
