// Package netns gives a test hosts that have networks of their own: network namespaces,
// each joined by a cable to the network of the test and to nothing else.
//
// Nothing of it is seen by other programs, and nothing is left of it, however a test
// ends: the namespaces have no names, and the kernel takes them away with the last
// process in them.
package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside is set in the environment of the process in which a test runs again.
const inside = "DOMOVOY_TEST_NETNS"

// Inside reports whether this process was begun by Run.
func Inside() bool { return os.Getenv(inside) != "" }

// Run runs the calling test again, in a process whose network has nothing but
// loopback, and calls test there. Subtests cannot call it. Without root, ip or nsenter
// the test is skipped; in CI it fails then.
func Run(t *testing.T, test func(t *testing.T, n *Net)) {
	t.Helper()
	if Inside() {
		n := &Net{T: t, Addr: netip.MustParseAddr("198.18.0.1")}
		n.open()
		test(t, n)
		return
	}
	trial := exec.CommandContext(t.Context(), "sh", "-c", "[ $(id -u) = 0 ] || { echo needs root; exit 1; }; command -v nsenter >/dev/null || { echo needs nsenter; exit 1; }; ip link set lo up && ip rule show >/dev/null && echo 0 >/proc/sys/net/ipv4/ip_forward")
	trial.SysProcAttr = alone()
	if out, err := trial.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no network namespace can be made; CI can: %v: %s", err, out)
		}
		t.Skipf("SKIPPED: no network namespace can be made here: %v: %s", err, out)
	}
	ctx := t.Context()
	limit := 10 * time.Minute
	if deadline, ok := t.Deadline(); ok {
		limit = time.Until(deadline) - 5*time.Second // this process has to say what happened
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(ctx, self, "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout="+limit.String())
	again.Env = append(os.Environ(), inside+"=yes")
	again.Stdout, again.Stderr = t.Output(), t.Output()
	again.SysProcAttr = alone()
	again.WaitDelay = 5 * time.Second // what it began may hold its output
	if err := again.Run(); err != nil {
		t.Errorf("in a network of its own: %v", err)
	}
}

// alone starts a process in a new network, that ends with this one in any case.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
}

// Net is the network of a test, to which its hosts are joined. It forwards nothing
// from one host to another.
type Net struct {
	*testing.T
	Addr  netip.Addr // every host reaches what listens there, and on the test's loopback
	hosts int
}

// The order of the network's rules: a firewall's come before the table of what is
// local, which has the order 0 by default.
const (
	passes = "4"
	drops  = "5"
	local  = "10"
)

func (n *Net) open() {
	n.Helper()
	n.ip("link set lo up")
	n.ip("addr add " + n.Addr.String() + "/32 dev lo")
	n.ip("rule add pref " + local + " lookup local")
	n.ip("rule del pref 0")
	n.Forward(false)
}

// Forward lets the hosts reach each other, or keeps them apart.
func (n *Net) Forward(on bool) {
	n.Helper()
	n.sh(fmt.Sprintf("echo %d >/proc/sys/net/ipv4/ip_forward", map[bool]int{true: 1}[on]))
}

func (n *Net) ip(words string) { n.Helper(); n.sh("ip " + words) }

// sh runs a command of the shell, which must succeed.
func (n *Net) sh(line string, in ...string) {
	n.Helper()
	words := append(in, "sh", "-c", line)
	if out, err := exec.CommandContext(n.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
		n.Fatalf("%s: %v: %s", line, err, out)
	}
}

// Host is a host with a network of its own.
type Host struct {
	net   *Net
	Addr  netip.Addr // its own
	cable string     // the test's end of it
	pid   int        // of a process in its network

	mu    sync.Mutex
	rules []string // of the firewall on the test's side of the cable
}

// Host adds a host. For it 127.0.0.0/8 is not itself but the test's loopback, where
// laboratories listen.
func (n *Net) Host() *Host {
	n.Helper()
	n.hosts++
	gate := netip.AddrFrom4([4]byte{198, 18, byte(n.hosts), 1})
	h := &Host{net: n, Addr: gate.Next(), cable: fmt.Sprint("cable", n.hosts)}
	keeper := exec.CommandContext(context.WithoutCancel(n.Context()), "sleep", "infinity")
	keeper.SysProcAttr = alone()
	if err := keeper.Start(); err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { _ = keeper.Process.Kill(); _ = keeper.Wait() })
	h.pid = keeper.Process.Pid
	n.ip(fmt.Sprintf("link add %s type veth peer name wan netns %d", h.cable, h.pid))
	n.ip(fmt.Sprintf("addr add %s/30 dev %s", gate, h.cable))
	n.ip("link set " + h.cable + " up")
	n.sh("echo 1 >/proc/sys/net/ipv4/conf/" + h.cable + "/route_localnet")
	// The host's own loopback stays down, so that 127.0.0.0/8 goes the way of all.
	n.sh(fmt.Sprintf("ip addr add %s/30 dev wan && ip link set wan up && ip route add default via %s && echo 1 >/proc/sys/net/ipv4/conf/wan/route_localnet", h.Addr, gate), h.enter()...)
	h.linked()
	return h
}

// enter is the beginning of a command that runs in the network of the host.
func (h *Host) enter() []string { return []string{"nsenter", "--net=" + h.path()} }

func (h *Host) path() string { return "/proc/" + strconv.Itoa(h.pid) + "/ns/net" }

// Command is a program that runs on the host. The process has the program's own id, and
// ends with the test.
func (h *Host) Command(program string, args ...string) *exec.Cmd {
	words := append(append(h.enter(), "--", program), args...)
	c := exec.CommandContext(context.WithoutCancel(h.net.Context()), words[0], words[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// Has reports whether a process is in the network of the host.
func (h *Host) Has(pid int) bool {
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	own, failed := os.Readlink(h.path())
	return errors.Join(err, failed) == nil && its == own
}

// Within calls f in the network of the host: what f listens on is there, and what it
// connects to is reached from there. f begins no goroutines that do.
func (h *Host) Within(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- h.within(f)
		runtime.UnlockOSThread()
	}()
	return <-result
}

func (h *Host) within(f func() error) error {
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	its, err := os.Open(h.path())
	if err != nil {
		return err
	}
	defer its.Close()
	if err := unix.Setns(int(its.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	defer func() {
		if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // the thread would serve others, in the wrong network
		}
	}()
	return f()
}

// Only drops what the host sends over TCP and UDP, but for these TCP ports.
func (h *Host) Only(ports ...int) {
	h.net.Helper()
	for _, p := range ports {
		h.rule(fmt.Sprintf("pref %s iif %s ipproto tcp dport %d lookup local", passes, h.cable, p))
	}
	for _, protocol := range []string{"tcp", "udp"} { // ARP asks the rules, too
		h.rule(fmt.Sprintf("pref %s iif %s ipproto %s blackhole", drops, h.cable, protocol))
	}
}

// Drop drops what the host sends to these TCP ports, as a firewall does: nothing is
// answered.
func (h *Host) Drop(ports ...int) {
	h.net.Helper()
	for _, p := range ports {
		h.rule(fmt.Sprintf("pref %s iif %s ipproto tcp dport %d blackhole", drops, h.cable, p))
	}
}

// rule adds a rule, if it is not there: tests that run at once may use a port again.
func (h *Host) rule(rule string) {
	h.net.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	which := strings.TrimSuffix(rule, " blackhole")
	if slices.Contains(h.rules, which) {
		return
	}
	h.net.ip("rule add " + rule)
	h.rules = append(h.rules, which)
}

// Pass ends what Only and Drop began.
func (h *Host) Pass() {
	h.net.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, rule := range h.rules {
		h.net.ip("rule del " + rule)
	}
	h.rules = nil
}

// Unplug pulls the cable of the host.
func (h *Host) Unplug() { h.net.Helper(); h.net.ip("link set " + h.cable + " down") }

// Plug puts the cable back.
func (h *Host) Plug() {
	h.net.Helper()
	h.net.ip("link set " + h.cable + " up")
	h.linked()
}

// linked waits until both ends of the cable see that it is there, and forgets whom they did
// not find without it: what is sent before would be sent again a second later.
func (h *Host) linked() {
	h.net.Helper()
	const wait = "for i in $(seq 500); do ip -o link show %s | grep -q 'state UP' && break; sleep 0.01; done"
	h.net.sh(fmt.Sprintf(wait, h.cable))
	h.net.sh(fmt.Sprintf(wait, "wan")+"; ip neigh flush dev wan", h.enter()...)
	h.net.ip("neigh flush dev " + h.cable)
}
