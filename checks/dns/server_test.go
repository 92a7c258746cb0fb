package dns

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"go.uber.org/goleak"
)

// responderEnv makes the test program run as a name server: see
// BenchmarkResolver.
const responderEnv = "DNS_TEST_RESPONDER"

func TestMain(m *testing.M) {
	if os.Getenv(responderEnv) != "" {
		respond()
		return
	}
	goleak.VerifyTestMain(m)
}

// serve runs a name server on loopback, UDP and TCP on one port, until the
// test ends.
func serve(t testing.TB, handle mdns.HandlerFunc) netip.AddrPort {
	t.Helper()
	pc, l := listen(t)
	addr := pc.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, s := range []*mdns.Server{{PacketConn: pc, Handler: handle}, {Listener: l, Handler: handle}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
	return addr
}

// listen returns a port that is free for UDP and TCP; TCP ports are the
// scarcer.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		pc, err := net.ListenPacket("udp", l.Addr().String())
		if errors.Is(err, syscall.EADDRINUSE) {
			l.Close()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = pc.(*net.UDPConn).SetReadBuffer(4 << 20)
		return pc, l
	}
}

// closedPort is a loopback address on which nothing listens.
func closedPort(t testing.TB) netip.AddrPort {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	return pc.LocalAddr().(*net.UDPAddr).AddrPort()
}

// silent is a server that receives questions and never answers.
func silent(t testing.TB) netip.AddrPort {
	return serve(t, func(mdns.ResponseWriter, *mdns.Msg) {})
}

// resolver opens a resolver for the test, with short timeouts.
func resolver(t testing.TB, o Options) *Resolver {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 200 * time.Millisecond
	}
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("closing the resolver: %v", err)
		}
	})
	return r
}

// reply answers a question with records in zone file form.
func reply(q *mdns.Msg, records ...string) *mdns.Msg {
	m := new(mdns.Msg).SetReply(q)
	for _, text := range records {
		rr, err := mdns.NewRR(text)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

// address is a handler that returns the same address for every name.
func address(w mdns.ResponseWriter, q *mdns.Msg) {
	_ = w.WriteMsg(reply(q, q.Question[0].Name+" 60 IN A 192.0.2.1"))
}
