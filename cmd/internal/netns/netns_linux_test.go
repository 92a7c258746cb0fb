package netns_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"domovoy/cmd/internal/netns"
)

// short is how long a connection may take that is dropped.
const short = 300 * time.Millisecond

// connect connects from a host; nil: from the test itself.
func connect(h *netns.Host, to string) error {
	dial := func() error {
		conn, err := (&net.Dialer{Timeout: short}).DialContext(context.Background(), "tcp4", to)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if h == nil {
		return dial()
	}
	return h.Within(dial)
}

// listening is a listener that accepts, and its port.
func listening(t *testing.T, on *netns.Host, addr string) int {
	t.Helper()
	var l net.Listener
	listen := func() (err error) { l, err = new(net.ListenConfig).Listen(t.Context(), "tcp4", addr+":0"); return err }
	var err error
	if on == nil {
		err = listen()
	} else {
		err = on.Within(listen)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func timedOut(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) && failed.Timeout()
}

// TestHosts: hosts reach the test and its loopback, but not each other, unless the test
// forwards; a firewall drops what it is told to and nothing else; a cable can be pulled.
func TestHosts(t *testing.T) {
	netns.Run(t, func(t *testing.T, n *netns.Net) {
		a, b := n.Host(), n.Host()
		at := func(addr string, port int) string { return net.JoinHostPort(addr, strconv.Itoa(port)) }
		hub, lab, other := at(n.Addr.String(), listening(t, nil, n.Addr.String())), at("127.80.0.10", listening(t, nil, "127.80.0.10")), listening(t, nil, "127.0.0.1")
		its := at(b.Addr.String(), listening(t, b, b.Addr.String()))
		for _, c := range []struct {
			name string
			do   func()
			from *netns.Host
			to   string
			want func(error) bool
		}{
			{"the test from a host", func() {}, a, hub, isNil},
			{"a laboratory from a host", func() {}, a, lab, isNil},
			{"one on 127.0.0.1", func() {}, a, at("127.0.0.1", other), isNil},
			{"a port on which nobody listens", func() {}, a, "127.80.0.10:9", func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
			{"a host from the test", func() {}, nil, its, isNil},
			{"a host from itself", func() {}, b, "127.0.0.1:" + its[strings.LastIndex(its, ":")+1:], isNotNil},
			{"a host from another", func() {}, a, its, timedOut},
			{"a host from another, forwarded", func() { n.Forward(true) }, a, its, isNil},
			{"a firewall", func() { n.Forward(false); a.Drop(other) }, a, at("127.0.0.1", other), timedOut},
			{"a port that it lets pass", func() {}, a, lab, isNil},
			{"another host past it", func() {}, b, at("127.0.0.1", other), isNil},
			{"the firewall is gone", func() { a.Pass() }, a, at("127.0.0.1", other), isNil},
			{"only one port", func() { a.Only(other) }, a, at("127.0.0.1", other), isNil},
			{"not that port", func() {}, a, lab, timedOut},
			{"without a cable", func() { a.Pass(); a.Unplug() }, a, lab, isNotNil},
			{"with it again", func() { a.Plug() }, a, lab, isNil},
		} {
			c.do()
			if err := connect(c.from, c.to); !c.want(err) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		process := a.Command("sleep", "100")
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = process.Process.Kill(); _ = process.Wait() }()
		for b.Has(process.Process.Pid) || !a.Has(process.Process.Pid) {
			if t.Context().Err() != nil {
				t.Fatal("the process is on another host")
			}
		}
		if a.Has(os.Getpid()) {
			t.Error("the test itself is on the host")
		}
	})
}

func isNil(err error) bool { return err == nil }

func isNotNil(err error) bool { return err != nil }
