package internet

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Zone describes one zone of the lab.
type Zone struct {
	Origin  string       // "client.ru"; in punycode if it is an IDN
	Text    string       // lines of a zone file, relative to Origin (RFC 1035 section 5); SOA and NS are added if missing
	NS      []string     // names of its servers in the parent; none: ns1 of the zone itself
	Servers []netip.Addr // addresses of those servers, one for each name (see Server); none: one with the temper below
	Temper  Temper       // of the servers, if Servers is empty; the zero value is Sound
	Bogus   uint16       // info code (RFC 8914 section 5.2) of a failing validation; 0: it does not fail
}

// zone is a parsed zone.
type zone struct {
	origin  string
	records map[string][]dns.RR // by lower-case owner
	soa     *dns.SOA
	ns      []string
	servers []netip.Addr
	bogus   uint16
}

// parse parses the lines of a zone. Including files is not allowed.
func parse(z Zone) (*zone, error) {
	parsed := &zone{origin: canonical(z.Origin), records: map[string][]dns.RR{}, servers: slices.Clone(z.Servers), bogus: z.Bogus}
	for _, name := range z.NS {
		parsed.ns = append(parsed.ns, canonical(name))
	}
	if len(parsed.ns) == 0 {
		parsed.ns = []string{"ns1." + strings.TrimPrefix(parsed.origin, ".")}
	}
	if len(parsed.servers) != len(parsed.ns) {
		return nil, fmt.Errorf("zone %s: %d servers at %d addresses", z.Origin, len(parsed.ns), len(parsed.servers))
	}
	if err := parsed.add("$TTL 300\n" + z.Text + "\n"); err != nil {
		return nil, err
	}
	for _, addr := range parsed.servers {
		if addr != registryAddr() && !slices.ContainsFunc(tempers(), func(t Temper) bool { return Server(t) == addr }) {
			return nil, fmt.Errorf("zone %s: no server is at %s", z.Origin, addr)
		}
	}
	return parsed, parsed.complete()
}

// add parses more lines into the zone.
func (z *zone) add(text string) error {
	parser := dns.NewZoneParser(strings.NewReader(text), z.origin, "")
	parser.SetDefaultTTL(300)
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		owner := canonical(rr.Header().Name)
		if !dns.IsSubDomain(z.origin, owner) {
			return fmt.Errorf("zone %s: %s is not in it", z.origin, owner)
		}
		if soa, ok := rr.(*dns.SOA); ok {
			z.soa = soa
		}
		z.records[owner] = append(z.records[owner], rr)
	}
	if err := parser.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("zone %s: %w", z.origin, err)
	}
	return nil
}

// complete adds what every zone has: SOA, NS, and addresses of name servers in
// the zone.
func (z *zone) complete() error {
	if z.soa == nil {
		line := fmt.Sprintf("@ SOA %s hostmaster.%s 1 7200 3600 1209600 300\n", z.ns[0], strings.TrimPrefix(z.origin, "."))
		if err := z.add(line); err != nil {
			return err
		}
	}
	if len(z.of(z.origin, dns.TypeNS)) > 0 {
		return nil
	}
	for i, name := range z.ns {
		if err := z.add("@ NS " + name + "\n"); err != nil {
			return err
		}
		if dns.IsSubDomain(z.origin, name) && len(z.of(name, dns.TypeA)) == 0 {
			if err := z.add(fmt.Sprintf("%s A %s\n", name, z.servers[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// of returns the records of one owner and type.
func (z *zone) of(owner string, qtype uint16) []dns.RR {
	var found []dns.RR
	for _, rr := range z.records[owner] {
		if rr.Header().Rrtype == qtype {
			found = append(found, rr)
		}
	}
	return found
}

// find looks a name up in the zone: it returns its records, or a CNAME, or that
// the name does not exist.
func (z *zone) find(name string, qtype uint16) (found []dns.RR, exists bool) {
	owner := name
	if _, exists = z.records[owner]; !exists {
		if z.hasBelow(name) { // an empty non-terminal exists without records (RFC 8020)
			return nil, true
		}
		if owner, exists = z.wildcard(name); !exists {
			return nil, false
		}
	}
	found = z.of(owner, qtype)
	if len(found) == 0 && qtype != dns.TypeCNAME {
		found = z.of(owner, dns.TypeCNAME)
	}
	return named(found, name), true
}

// wildcard returns the source of synthesis: the asterisk below the closest name
// that exists (RFC 4592 section 3.3.1).
func (z *zone) wildcard(name string) (string, bool) {
	for name != z.origin && name != "." {
		name = parentOf(name)
		if _, there := z.records["*."+strings.TrimPrefix(name, ".")]; there {
			return "*." + strings.TrimPrefix(name, "."), true
		}
		if _, there := z.records[name]; there || z.hasBelow(name) {
			return "", false
		}
	}
	return "", false
}

func (z *zone) hasBelow(name string) bool {
	for owner := range z.records {
		if strings.HasSuffix(owner, "."+name) {
			return true
		}
	}
	return false
}

// named returns copies of records with the name as in the question, including
// capitals.
func named(records []dns.RR, name string) []dns.RR {
	copies := make([]dns.RR, len(records))
	for i, rr := range records {
		copies[i] = dns.Copy(rr)
		copies[i].Header().Name = name
	}
	return copies
}

func canonical(name string) string { return dns.CanonicalName(name) }

// parentOf removes the first label; the parent of the last one is the root.
func parentOf(name string) string {
	if _, rest, found := strings.Cut(name, "."); found && rest != "" {
		return rest
	}
	return "."
}

// Blocklist describes a DNS blocklist (RFC 5782).
type Blocklist struct {
	Origin string       // the zone of the list
	Listed []netip.Addr // answered with 127.0.0.2 and a reason
	Error  netip.Addr   // the answer to every question if set: 127.255.255.252 typo, .254 public resolver, .255 volume; zero: the list works
	Empty  bool         // even the test points are missing, as on a list that was shut down
}

// Zone returns the list as a zone. The test points are 127.0.0.2, which is
// listed, and 127.0.0.1, which is not (section 5); for IPv6, ::ffff:7f00:2 and
// ::ffff:7f00:1.
func (b Blocklist) Zone() Zone {
	z := Zone{Origin: b.Origin}
	if b.Error.IsValid() {
		z.Text = fmt.Sprintf("* A %s\n* TXT \"error: see the terms of use\"\n", b.Error)
		return z
	}
	listed := b.Listed
	if !b.Empty {
		listed = append([]netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::ffff:7f00:2")}, listed...)
	}
	for _, addr := range listed {
		z.Text += fmt.Sprintf("%[1]s A 127.0.0.2\n%[1]s TXT \"%[2]s is listed, see https://%[3]s/%[2]s\"\n", reversed(addr), addr, b.Origin)
	}
	return z
}

// reversed returns an address as in a question to a blocklist: octets or
// nibbles in reverse order (RFC 5782 sections 2.1 and 2.4).
func reversed(addr netip.Addr) string {
	name, err := dns.ReverseAddr(addr.String())
	if addr.Is4In6() { // the library would treat it as IPv4
		var nibbles []string
		for _, octet := range addr.As16() {
			nibbles = append([]string{fmt.Sprintf("%x.%x", octet&15, octet>>4)}, nibbles...)
		}
		return strings.Join(nibbles, ".")
	}
	if err != nil {
		return "invalid"
	}
	name, _, _ = strings.Cut(name, "in-addr.arpa.")
	name, _, _ = strings.Cut(name, "ip6.arpa.")
	return strings.TrimSuffix(name, ".")
}
