package dns

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// owner returns what the DNS shows of the owner of addresses. It is evidence
// added to a finding: what cannot be looked up is left out.
//
//	network      the owner in a word: of a known range, or the domain of PTR or CNAME
//	proxy        the CDN or proxy, if it is one
//	ptr          the name of the first address
//	cname        the last name of the chain
//	nameservers  of the registered domain
func (l *nameLookup) owner(ctx context.Context, addrs []netip.Addr, targets []string) checks.Args {
	queries := []Query{{Name: l.name.registered, Type: mdns.TypeNS}}
	if reverse, err := mdns.ReverseAddr(addrs[0].String()); err == nil {
		queries = append(queries, Query{Name: reverse, Type: mdns.TypePTR})
	}
	said := l.ask(ctx, queries...)
	servers := said[0].Answer.NameServers()
	ptr := ""
	if len(said) > 1 {
		ptr = said[1].Answer.pointer()
	}
	l.park(servers)
	args := checks.Args{
		"parking": l.info.Parking,
		"ptr":     ptr, "cname": last(targets), "nameservers": nameList(servers),
		"proxy": l.options.Ranges.proxy(addrs, targets, servers, ptr), "reserved": reserved(addrs[0]),
	}
	args["network"] = l.network(args, addrs[0])
	for key, value := range args {
		if value == "" || value == false {
			delete(args, key)
		}
	}
	return args
}

// park notes that the domain stands on name servers where a registrar puts
// domains that nobody paid for: whether that is so, its registry knows.
func (l *nameLookup) park(servers []string) {
	if owner := l.options.Ranges.Parking(servers); owner != "" {
		l.info.Parking, l.info.Register, l.info.Delegated = owner, true, true
	}
}

// proxy returns the CDN that a name is behind: by all of its addresses, by the
// target of a CNAME, or by name servers and PTR that agree. Name servers alone
// prove nothing: Cloudflare also serves zones without a proxy.
func (r *Ranges) proxy(addrs []netip.Addr, targets, servers []string, ptr string) string {
	if owner := r.Owner(addrs[0]); owner != "" &&
		!slices.ContainsFunc(addrs, func(a netip.Addr) bool { return r.Owner(a) == "" }) {
		return owner
	}
	for _, t := range targets {
		if owner := r.suffix(kindCNAME, t); owner != "" {
			return owner
		}
	}
	owner := r.suffix(kindPTR, ptr)
	if owner != "" && slices.ContainsFunc(servers, func(s string) bool { return r.suffix(kindNS, s) == owner }) {
		return owner
	}
	return ""
}

// network returns the shortest description of an address's owner. The name
// servers tell nothing of it: a zone may stay with us while its site moves.
func (l *nameLookup) network(args checks.Args, addr netip.Addr) string {
	if owner, _ := args["proxy"].(string); owner != "" {
		return owner
	}
	if owner := l.options.Ranges.Owner(addr); owner != "" {
		return owner
	}
	for _, key := range []string{"ptr", "cname"} {
		if host, _ := args[key].(string); host != "" {
			if d := l.foreign(host); d != "" {
				return d
			}
		}
	}
	return ""
}

// foreign returns the registered domain of a host; empty if it is the name's
// own, or if the host is only a public suffix.
func (l *nameLookup) foreign(host string) string {
	host = hostname(host)
	suffix, _ := checks.PublicSuffix(host)
	d := checks.RegisteredDomain(host)
	if d == suffix || d == l.name.registered {
		return ""
	}
	return d
}

// pointer returns the first name of a PTR answer.
func (a Answer) pointer() string {
	for _, rr := range a.Records {
		if p, ok := rr.(*mdns.PTR); ok {
			return hostname(undot(p.Ptr))
		}
	}
	return ""
}

// reserved reports whether the public internet cannot reach an address.
func reserved(a netip.Addr) bool { return checks.Reserved(a.Unmap()) }

// ranges.txt is the default; LoadRanges reads a file that replaces it.
//
//go:embed ranges.txt
var builtin string

// parking.txt has the name servers of registrars; lines of that kind in another
// file are added to it.
//
//go:embed parking.txt
var parking string

// Kinds of evidence in a range file.
const (
	kindNet   = "net"   // a prefix
	kindNS    = "ns"    // a name server's suffix
	kindCNAME = "cname" // the suffix of a CNAME's target
	kindPTR   = "ptr"   // suffix of an address's PTR name

	kindParking = "parking" // the suffix of a name server on which a registrar puts unpaid domains
)

// Ranges has the networks of CDNs and of protection services. The zero value
// has none.
type Ranges struct {
	nets     bart.Table[string]
	suffixes map[suffix]string
}

// suffix is a domain and the kind of evidence for which it counts.
type suffix struct{ kind, domain string }

// BuiltinRanges returns the ranges that come with the program.
func BuiltinRanges() (*Ranges, error) {
	return ReadRanges(strings.NewReader(builtin))
}

// LoadRanges reads a file that replaces the built-in ranges.
func LoadRanges(path string) (*Ranges, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the ranges of CDNs: %w", err)
	}
	defer f.Close()
	r, err := ReadRanges(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return r, nil
}

// ReadRanges reads lines of five words: kind, value, owner, date, source. It adds
// the built-in parking name servers. The error names all faulty lines.
func ReadRanges(from io.Reader) (*Ranges, error) {
	r := &Ranges{suffixes: map[suffix]string{}}
	var errs []error
	for _, from := range []io.Reader{strings.NewReader(parking), from} {
		lines := bufio.NewScanner(from)
		for n := 1; lines.Scan(); n++ {
			text, _, _ := strings.Cut(lines.Text(), "#")
			if words := strings.Fields(text); len(words) > 0 {
				if err := r.add(words); err != nil {
					errs = append(errs, fmt.Errorf("line %d: %w", n, err))
				}
			}
		}
		errs = append(errs, lines.Err())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("ranges of CDNs: %w", err)
	}
	return r, nil
}

func (r *Ranges) add(words []string) error {
	if len(words) != 5 {
		return fmt.Errorf("%d words in place of kind, value, owner, date, source", len(words))
	}
	// Owners have no spaces in the file: Yandex_Cloud.
	kind, value, owner := words[0], words[1], strings.ReplaceAll(words[2], "_", " ")
	switch kind {
	case kindNet:
		p, err := netip.ParsePrefix(value)
		if err != nil {
			return err
		}
		if p != p.Masked() {
			return fmt.Errorf("%s has bits beyond its length", value)
		}
		r.nets.Insert(p, owner)
	case kindNS, kindCNAME, kindPTR, kindParking:
		r.suffixes[suffix{kind, undot(value)}] = owner
	default:
		return fmt.Errorf("unknown kind %q", kind)
	}
	return nil
}

// Owner returns who owns the network of an address; empty: not known.
func (r *Ranges) Owner(addr netip.Addr) string {
	owner, _ := r.nets.Lookup(addr.Unmap())
	return owner
}

// Parking returns the registrar that puts unpaid domains on one of these name
// servers; empty: none that is known.
func (r *Ranges) Parking(servers []string) string {
	for _, s := range servers {
		if owner := r.suffix(kindParking, s); owner != "" {
			return owner
		}
	}
	return ""
}

// suffix returns the owner of the domain that contains a host, for one kind of
// evidence.
func (r *Ranges) suffix(kind, host string) string {
	for ; host != ""; host = parent(host) {
		if owner, ok := r.suffixes[suffix{kind, host}]; ok {
			return owner
		}
	}
	return ""
}
