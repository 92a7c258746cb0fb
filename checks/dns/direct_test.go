package dns

import (
	"errors"
	"net/netip"
	"testing"

	mdns "github.com/miekg/dns"
)

func TestAnAuthoritativeServerIsAskedDirectly(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := reply(q, "client.example. 60 IN SOA ns. root. 1 2 3 4 5")
		m.Authoritative = !q.RecursionDesired && q.IsEdns0() == nil
		_ = w.WriteMsg(m)
	})
	r := resolver(t, Options{Servers: []netip.AddrPort{silent(t)}})
	if a, err := r.AskAt(t.Context(), addr, Query{Name: "client.example", Type: mdns.TypeSOA}); err != nil || !a.Authoritative || len(a.Records) != 1 {
		t.Errorf("answer %+v, error %v", a, err)
	}
	if _, err := r.AskAt(t.Context(), silent(t), question()); !errors.Is(err, ErrTimeout) {
		t.Errorf("silence: error %v", err)
	}
}
