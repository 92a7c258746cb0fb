package web

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"domovoy/checks"
)

// BenchmarkLook checks a healthy name: one connection and one request,
// including the cost of the small server.
func BenchmarkLook(b *testing.B) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(buf)
			io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	}()
	at := netip.MustParseAddrPort(l.Addr().String())
	p := New(Options{Ports: Ports{HTTP: at.Port()}, Timeout: 5 * time.Second, Own: []netip.Addr{at.Addr()}})
	s := checks.NameInfo{Name: name, V4: []netip.Addr{at.Addr()}, Points: checks.PointsOurs}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := p.Follow(b.Context(), s, Ask{}); err != nil || found != nil {
			b.Fatal(found, err)
		}
	}
}
