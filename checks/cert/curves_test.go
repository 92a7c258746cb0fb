package cert

import (
	"crypto/tls"
	"net/netip"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
)

// TestAServerMayInsistOnACurve: each curve that a server may have alone ends in
// its certificate, and not in a fault of its key.
func TestAServerMayInsistOnACurve(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, curve := range []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521} {
			t.Run(tls.VersionName(version)+" "+curve.String(), func(t *testing.T) {
				s := newStreet(t)
				l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*s.issue(internet.Leaf{})}, MaxVersion: version, CurvePreferences: []tls.CurveID{curve}})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						_ = conn.(*tls.Conn).Handshake() // its error is that of the visitor
						_ = conn.Close()
					}
				}()
				at := netip.MustParseAddrPort(l.Addr().String())
				visitor := NewServed(ServedOptions{HTTPSPort: at.Port(), Timeout: 5 * time.Second, Own: []netip.Addr{at.Addr()}, Roots: s.ca.Roots(), LifeLeft: 7.0 / 90})
				dates, found, err := visitor.Handshake(t.Context(), ours("client.ru", at.Addr()), client(nil), time.Now())
				if err != nil || len(found) > 0 || !dates.Known() {
					t.Errorf("found %s, dates %v, error %v", words(found), dates, err)
				}
			})
		}
	}
}
