package dns

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	mdns "github.com/miekg/dns"
)

// ours reports whether an address is one of those that are expected, or of a
// node of the cluster.
func (l *nameLookup) ours(a netip.Addr) bool {
	return slices.Contains(l.question.Ours, a.Unmap()) || slices.Contains(l.question.Cluster.Addresses, a.Unmap())
}

// joinCluster adds the addresses of the nodes' host names to ours, where a name
// has an address that is not: all of its own if it is an alias of a node, else
// those that the host names have in DNS.
func (l *nameLookup) joinCluster(ctx context.Context, targets []string) {
	hosts, all := l.question.Cluster.Hosts, slices.Concat(l.info.V4, l.info.V6)
	if len(hosts) == 0 || !slices.ContainsFunc(all, func(a netip.Addr) bool { return !l.ours(a) }) {
		return
	}
	found := all
	if !slices.ContainsFunc(targets, func(t string) bool { return slices.Contains(hosts, hostname(t)) }) && !slices.Contains(hosts, l.name.host) {
		var err error
		found, err = l.nodes.of(hosts, func() ([]netip.Addr, error) { return l.lookUp(ctx, hosts) })
		l.fail(err)
	}
	for _, a := range found {
		l.question.Cluster.Addresses = append(slices.Clip(l.question.Cluster.Addresses), a.Unmap())
	}
}

// lookUp returns the addresses of host names; one that has none is no failure.
func (l *nameLookup) lookUp(ctx context.Context, hosts []string) ([]netip.Addr, error) {
	var queries []Query
	for _, host := range hosts {
		queries = append(queries, Query{Name: host, Type: mdns.TypeA}, Query{Name: host, Type: mdns.TypeAAAA})
	}
	var all []netip.Addr
	for _, r := range l.settled(ctx, queries) {
		if err := r.looked(); err != nil {
			return nil, err
		}
		all = append(all, r.Answer.Addrs...)
	}
	return all, nil
}

// nodesKept is for how long the addresses of host names are kept: thousands of
// names are compared with them in a sweep.
const nodesKept = 10 * time.Minute

// nodeAddresses are the addresses of the nodes of clusters, by their host names.
type nodeAddresses struct {
	mu  sync.Mutex
	all map[string]nodesFound // guarded by mu
}

type nodesFound struct {
	at        time.Time
	addresses []netip.Addr
}

// of returns what was found not long ago, or else looks it up.
func (n *nodeAddresses) of(hosts []string, lookUp func() ([]netip.Addr, error)) ([]netip.Addr, error) {
	key := strings.Join(hosts, " ")
	n.mu.Lock()
	known, ok := n.all[key]
	n.mu.Unlock()
	if ok && time.Since(known.at) < nodesKept {
		return known.addresses, nil
	}
	addresses, err := lookUp()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[string]nodesFound{}
	}
	n.all[key] = nodesFound{time.Now(), addresses}
	return addresses, nil
}
