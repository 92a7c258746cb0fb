package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

// question is the question of most tests.
func question() Query { return Query{Name: "client.example", Type: mdns.TypeA} }

func TestAnAnswerCarriesItsRcodeAndTheReason(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := new(mdns.Msg).SetRcode(q, mdns.RcodeServerFailure)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &mdns.EDNS0_EDE{InfoCode: 7, ExtraText: "signature expired"})
		_ = w.WriteMsg(m)
	})
	a, err := resolver(t, Options{Servers: []netip.AddrPort{addr}}).Ask(t.Context(), question())
	if err != nil || a.Rcode != mdns.RcodeServerFailure || a.Server != addr {
		t.Fatalf("answer %+v, error %v", a, err)
	}
	if len(a.Errors) != 1 || a.Errors[0] != (ExtendedError{7, "signature expired"}) {
		t.Errorf("extended errors %+v", a.Errors)
	}
}

func TestTheBitsOfAQuestionArriveAsAsked(t *testing.T) {
	seen := make(chan *mdns.Msg, 1)
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) { seen <- q.Copy(); address(w, q) })
	r := resolver(t, Options{Servers: []netip.AddrPort{addr}})
	for _, cd := range []bool{false, true} {
		for _, do := range []bool{false, true} {
			if _, err := r.Ask(t.Context(), Query{Name: "Client.Example.", Type: mdns.TypeCAA, CD: cd, DO: do}); err != nil {
				t.Fatal(err)
			}
			q := <-seen
			if q.CheckingDisabled != cd || !q.RecursionDesired || q.IsEdns0() == nil || q.IsEdns0().Do() != do || q.IsEdns0().UDPSize() != 1232 {
				t.Errorf("cd %v do %v: sent %v", cd, do, q)
			}
			if q.Question[0] != (mdns.Question{Name: "client.example.", Qtype: mdns.TypeCAA, Qclass: mdns.ClassINET}) {
				t.Errorf("asked %v", q.Question[0])
			}
		}
	}
}

func TestTheSecondTryGoesToTheNextServer(t *testing.T) {
	refusing := func(t testing.TB) netip.AddrPort {
		return serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
			_ = w.WriteMsg(new(mdns.Msg).SetRcode(q, mdns.RcodeRefused))
		})
	}
	for name, first := range map[string]func(testing.TB) netip.AddrPort{"silent": silent, "closed": closedPort, "refusing": refusing} {
		t.Run(name, func(t *testing.T) {
			good := serve(t, address)
			r := resolver(t, Options{Servers: []netip.AddrPort{first(t), good}})
			a, err := r.Ask(t.Context(), question())
			if err != nil || a.Server != good || len(a.Addrs) != 1 {
				t.Errorf("answer %+v, error %v", a, err)
			}
		})
	}
}

func TestADeadServerIsNotAskedFirstForLong(t *testing.T) {
	var asked atomic.Int32
	dead := serve(t, func(mdns.ResponseWriter, *mdns.Msg) { asked.Add(1) })
	r := resolver(t, Options{Servers: []netip.AddrPort{dead, serve(t, address)}, Timeout: 50 * time.Millisecond})
	for range 10 {
		if _, err := r.Ask(t.Context(), question()); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the dead server was asked %d times", n)
	}
}

func TestServfailIsAnAnswerAndIsNotAskedAgain(t *testing.T) {
	var asked atomic.Int32
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		asked.Add(1)
		_ = w.WriteMsg(new(mdns.Msg).SetRcode(q, mdns.RcodeServerFailure))
	})
	r := resolver(t, Options{Servers: []netip.AddrPort{addr, addr}})
	if a, err := r.Ask(t.Context(), question()); err != nil || a.Rcode != mdns.RcodeServerFailure || asked.Load() != 1 {
		t.Errorf("answer %+v, error %v, asked %d times", a, err, asked.Load())
	}
}

func TestNothingLearnedIsAnError(t *testing.T) {
	refuse := func(w mdns.ResponseWriter, q *mdns.Msg) {
		_ = w.WriteMsg(new(mdns.Msg).SetRcode(q, mdns.RcodeRefused))
	}
	garbage := func(w mdns.ResponseWriter, q *mdns.Msg) {
		b, _ := reply(q, "client.example. 60 IN NS ns.example.").Pack()
		_, _ = w.Write(b[:len(b)-3])
	}
	for name, tt := range map[string]struct {
		addr netip.AddrPort
		want error
	}{
		"silent":   {silent(t), ErrTimeout},
		"closed":   {closedPort(t), nil},
		"refusing": {serve(t, refuse), ErrRefused},
		"garbage":  {serve(t, garbage), ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resolver(t, Options{Servers: []netip.AddrPort{tt.addr}}).Ask(t.Context(), question())
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestALongAnswerComesOverTCP(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		var records []string
		for i := range 100 {
			records = append(records, fmt.Sprintf("client.example. 60 IN A 192.0.2.%d", i))
		}
		m := reply(q, records...)
		if w.RemoteAddr().Network() == "udp" {
			m.Truncate(512)
		}
		_ = w.WriteMsg(m)
	})
	a, err := resolver(t, Options{Servers: []netip.AddrPort{addr}}).Ask(t.Context(), question())
	if err != nil || len(a.Addrs) != 100 {
		t.Errorf("%d addresses, error %v", len(a.Addrs), err)
	}
}

func TestForeignAndLateAnswersAreNoise(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		wrong := func(change func(m *mdns.Msg)) {
			m := reply(q, "client.example. 60 IN A 203.0.113.66")
			change(m)
			_ = w.WriteMsg(m)
		}
		_, _ = w.Write([]byte("noise"))
		wrong(func(m *mdns.Msg) { m.Id++ })
		wrong(func(m *mdns.Msg) { m.Question[0].Name = "other.example." })
		wrong(func(m *mdns.Msg) { m.Question[0].Name = strings.ToUpper(m.Question[0].Name) })
		wrong(func(m *mdns.Msg) { m.Question[0].Qtype = mdns.TypeAAAA })
		wrong(func(m *mdns.Msg) { m.Question = nil })
		wrong(func(m *mdns.Msg) { m.Response = false })
		wrong(func(m *mdns.Msg) { m.Opcode = mdns.OpcodeUpdate })
		address(w, q)
		address(w, q) // answered twice, the second time after the caller stopped waiting
	})
	r := resolver(t, Options{Servers: []netip.AddrPort{addr}})
	for range 50 {
		a, err := r.Ask(t.Context(), question())
		if err != nil || len(a.Addrs) != 1 || a.Addrs[0] != netip.MustParseAddr("192.0.2.1") {
			t.Fatalf("answer %+v, error %v", a, err)
		}
	}
}

func TestACancelledQuestionEndsAtOnce(t *testing.T) {
	heard := make(chan struct{}, 1)
	addr := serve(t, func(mdns.ResponseWriter, *mdns.Msg) { heard <- struct{}{} })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-heard; cancel() }()
	if _, err := resolver(t, Options{Servers: []netip.AddrPort{addr}, Timeout: time.Hour}).Ask(ctx, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestClosingEndsQuestionsUnderWay(t *testing.T) {
	heard := make(chan struct{}, 1)
	addr := serve(t, func(mdns.ResponseWriter, *mdns.Msg) { heard <- struct{}{} })
	r, err := Open(Options{Servers: []netip.AddrPort{addr}, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-heard; _ = r.Close() }()
	if _, err := r.Ask(t.Context(), question()); !errors.Is(err, ErrClosed) {
		t.Errorf("under way: error %v", err)
	}
	if _, err := r.Ask(t.Context(), question()); !errors.Is(err, ErrClosed) {
		t.Errorf("afterwards: error %v", err)
	}
}

func TestTenThousandAtOnceThroughASmallBuffer(t *testing.T) {
	addr := serve(t, address)
	r := resolver(t, Options{Servers: []netip.AddrPort{addr}, Sockets: 2, Buffer: 4096, Timeout: 20 * time.Second})
	var wg sync.WaitGroup
	var failed atomic.Int32
	for i := range 10_000 {
		wg.Go(func() {
			a, err := r.Ask(t.Context(), Query{Name: fmt.Sprintf("n%d.example", i), Type: mdns.TypeA})
			if err != nil || len(a.Addrs) != 1 {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n != 0 {
		t.Errorf("%d lookups failed", n)
	}
}

func TestABatchLargerThanTheRoomIsAskedInParts(t *testing.T) {
	r := resolver(t, Options{Servers: []netip.AddrPort{serve(t, address)}, Sockets: 1, InFlight: 3})
	queries := make([]Query, 10)
	for i := range queries {
		queries[i] = Query{Name: fmt.Sprintf("n%d.example", i), Type: mdns.TypeA}
	}
	queries[4].Name = "no..name"
	for i, got := range r.AskAll(t.Context(), queries) {
		if (got.Err != nil) != (i == 4) {
			t.Errorf("question %d: %+v", i, got)
		}
	}
}

func TestQuestionsKeepToTheRate(t *testing.T) {
	r := resolver(t, Options{Servers: []netip.AddrPort{serve(t, address)}, Rate: 100})
	start := time.Now()
	for range 20 { // ten at once, ten more at 10 ms each
		if _, err := r.Ask(t.Context(), question()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 90*time.Millisecond {
		t.Errorf("20 questions took %v", took)
	}
}
