package internet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"
)

// DNS is the DNS of the lab: a root, registries, the servers of the zones, and
// the resolver in front of them. All of them listen on one port, each on its
// own loopback address, over UDP and TCP.
type DNS struct {
	port       uint16
	servers    []*dns.Server
	life       *lifetime
	atResolver *rules
	atServers  *rules
	fault      atomic.Pointer[Fault]

	mu    sync.RWMutex
	zones map[string]*zone
	hosts map[string]netip.Addr // addresses of name servers whose own zone is not in the lab
}

// registryAddr is the address of the root and every registry.
func registryAddr() netip.Addr { return netip.AddrFrom4([4]byte{127, 53, 0, 1}) }

// tempers returns all tempers of servers.
func tempers() []Temper { return []Temper{Sound, Refusing, Silent, Dead, Failing, Noisy} }

// StartDNS starts the DNS with the given zones.
func StartDNS(zones ...Zone) (*DNS, error) {
	d := &DNS{
		life: newLifetime(), atResolver: newRules(), atServers: newRules(),
		zones: map[string]*zone{}, hosts: map[string]netip.Addr{},
	}
	for _, z := range append(registries(), zones...) {
		if err := d.AddZone(z); err != nil {
			return nil, err
		}
	}
	if err := d.listen(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the lab's DNS: %w", err), d.Close())
	}
	return d, nil
}

// registries returns the root, and the top-level domain of customers' names.
func registries() []Zone {
	zones := []Zone{{Origin: ".", NS: []string{"a.root-servers.net"}}}
	for _, top := range []string{"ru", "su", "xn--p1ai", "com", "net", "org", "arpa"} {
		zones = append(zones, Zone{Origin: top, NS: []string{"a.dns." + top}})
	}
	return zones
}

// Addr returns the address of the resolver that a bot asks, as host:port.
func (d *DNS) Addr() string { return d.Resolver(Sound) }

// Port returns the port of every name server of the lab, which is used in place
// of 53.
func (d *DNS) Port() int { return int(d.port) }

// Resolver returns the address of a resolver with that temper, as host:port.
func (d *DNS) Resolver(t Temper) string {
	return netip.AddrPortFrom(resolverAddr(t), d.port).String()
}

// Server returns the address of the zones' server with that temper.
func Server(t Temper) netip.Addr { return netip.AddrFrom4([4]byte{127, 53, 0, byte(10 + t)}) }

// resolverAddr returns the address of a resolver with that temper; the sound
// one has the usual address of a local resolver.
func resolverAddr(t Temper) netip.Addr {
	if t == Sound {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrFrom4([4]byte{127, 53, 1, byte(10 + t)})
}

// AddZone delegates and serves a zone, or replaces the existing one. It creates
// the zone's registry if there is none.
func (d *DNS) AddZone(z Zone) error {
	top := topOf(z.Origin)
	if len(z.Servers) == 0 {
		home := Server(z.Temper)
		if top == canonical(z.Origin) {
			home = registryAddr()
		}
		for range max(1, len(z.NS)) {
			z.Servers = append(z.Servers, home)
		}
	}
	parsed, err := parse(z)
	if err != nil {
		return err
	}
	d.mu.RLock()
	orphan := top != parsed.origin && d.zones[top] == nil
	d.mu.RUnlock()
	if orphan {
		if err := d.AddZone(Zone{Origin: top, NS: []string{"a.dns." + top}}); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.zones[parsed.origin] = parsed
	for i, name := range parsed.ns {
		d.hosts[name] = parsed.servers[i]
	}
	return nil
}

// RemoveZone removes a delegation: the registry's servers no longer know the
// name.
func (d *DNS) RemoveZone(origin string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if z := d.zones[canonical(origin)]; z != nil {
		for _, name := range z.ns {
			delete(d.hosts, name)
		}
		delete(d.zones, z.origin)
	}
}

// Reverse sets the name of an address (PTR).
func (d *DNS) Reverse(addr netip.Addr, name string) error {
	owner, err := dns.ReverseAddr(addr.String())
	if err != nil {
		return fmt.Errorf("naming %s: %w", addr, err)
	}
	origin := "in-addr.arpa."
	if addr.Is6() {
		origin = "ip6.arpa."
	}
	d.mu.RLock()
	there := d.zones[origin] != nil
	d.mu.RUnlock()
	if !there {
		if err := d.AddZone(Zone{Origin: origin}); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.zones[origin].add(owner + " PTR " + canonical(name) + "\n")
}

// Resolve sets how the resolvers answer a question, whatever the zones contain.
func (d *DNS) Resolve(name string, qtype uint16, b Behaviour) { d.atResolver.set(name, qtype, b) }

// Serve sets how the zones' own servers answer a question. The resolvers answer
// as Unbound would in that case: SERVFAIL after an error, nothing if there is
// no answer.
func (d *DNS) Serve(name string, qtype uint16, b Behaviour) { d.atServers.set(name, qtype, b) }

// Asked returns how often the resolvers were asked.
func (d *DNS) Asked(name string, qtype uint16) int { return d.atResolver.countOf(name, qtype) }

// Close stops all servers, and waits for them.
func (d *DNS) Close() error {
	if !d.life.end() {
		return nil
	}
	var all error
	for _, s := range d.servers {
		all = errors.Join(all, s.Shutdown())
	}
	d.life.wait()
	return all
}

// topOf returns the last label of a name.
func topOf(name string) string {
	labels := dns.SplitDomainName(dns.Fqdn(name))
	if len(labels) == 0 {
		return "."
	}
	return strings.ToLower(labels[len(labels)-1]) + "."
}

// listenBoth listens on an address for UDP and TCP.
func listenBoth(at netip.AddrPort) (net.PacketConn, net.Listener, error) {
	tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), tcp.Addr().(*net.TCPAddr).AddrPort().Port())))
	if err != nil {
		return nil, nil, errors.Join(err, tcp.Close())
	}
	return udp, tcp, nil
}

// listen finds a port that is free on the addresses of all servers, and starts
// them. A port that is free on 127.0.0.1 is nearly always free on the other
// addresses.
func (d *DNS) listen() error {
	var udp net.PacketConn
	var tcp net.Listener
	var err error
	for range 20 {
		if udp, tcp, err = listenBoth(netip.AddrPortFrom(resolverAddr(Sound), 0)); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	d.port = tcp.Addr().(*net.TCPAddr).AddrPort().Port()
	d.start(udp, tcp, d.resolver(Sound))
	if err := d.startAt(registryAddr(), d.authority(registryAddr(), Sound)); err != nil {
		return err
	}
	for _, t := range tempers() {
		if t == Dead {
			continue
		}
		if t != Sound {
			if err := d.startAt(resolverAddr(t), d.resolver(t)); err != nil {
				return err
			}
		}
		if err := d.startAt(Server(t), d.authority(Server(t), t)); err != nil {
			return err
		}
	}
	return nil
}

// startAt starts a server on an address of its own, with the common port.
func (d *DNS) startAt(addr netip.Addr, handler dns.Handler) error {
	udp, tcp, err := listenBoth(netip.AddrPortFrom(addr, d.port))
	if err != nil {
		return err
	}
	d.start(udp, tcp, handler)
	return nil
}

// start serves, and returns when both protocols are ready: a shutdown before
// that would have no effect.
func (d *DNS) start(udp net.PacketConn, tcp net.Listener, handler dns.Handler) {
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		ready := make(chan struct{})
		server.NotifyStartedFunc = func() { close(ready) }
		d.servers = append(d.servers, server)
		d.life.start(func() {
			// It ends with Shutdown; if it ends otherwise, answers will be
			// missing.
			_ = server.ActivateAndServe()
		})
		<-ready
	}
}
