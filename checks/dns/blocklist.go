package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// Blocklists asks DNS blocklists (RFC 5782) about addresses. Large lists do not
// answer public resolvers.
type Blocklists struct {
	resolver *Resolver
	zones    []string
}

// NewBlocklists returns a client of the lists with these zones. It sends
// nothing yet.
func NewBlocklists(r *Resolver, zones []string) *Blocklists {
	return &Blocklists{resolver: r, zones: zones}
}

// listing is the answer of one list about one address.
type listing struct {
	zone, reason string
	answers      []netip.Addr
}

// BlocklistCheck is the name of the check in outcomes and failures.
const BlocklistCheck = "blocklists"

// Check finds those of a panel's addresses that are on a blocklist. b may be
// nil: no list is asked.
func (b *Blocklists) Check(addrs []netip.Addr) checks.Check {
	c := checks.Check{Name: BlocklistCheck, Scope: checks.ScopeServer, Live: true, Codes: []checks.Code{checks.DNSBLListed}}
	if b == nil || len(b.zones) == 0 || len(addrs) == 0 {
		return c
	}
	c.Run = func(ctx context.Context, _ *checks.Target) ([]checks.Finding, error) { return b.Listed(ctx, addrs...) }
	return c
}

// Listed finds the addresses that are on a list: one finding for each address,
// which is its Name. The error lists the blocklists that could not be asked;
// the findings of the others are valid.
func (b *Blocklists) Listed(ctx context.Context, addrs ...netip.Addr) ([]checks.Finding, error) {
	listed := make([][]listing, len(addrs))
	var errs []error
	for _, zone := range b.zones {
		found, err := b.askOne(ctx, zone, addrs)
		if err != nil {
			errs = append(errs, fmt.Errorf("asking the blocklist %s: %w", zone, err))
			continue
		}
		for i, f := range found {
			if len(f.answers) > 0 {
				listed[i] = append(listed[i], f)
			}
		}
	}
	var findings []checks.Finding
	for i, lists := range listed {
		if len(lists) > 0 {
			findings = append(findings, finding(addrs[i], lists))
		}
	}
	return findings, errors.Join(errs...)
}

// askOne asks one list about all addresses, and about the two that show
// whether the list works (RFC 5782 section 5): 127.0.0.2 is always on it,
// 127.0.0.1 never.
func (b *Blocklists) askOne(ctx context.Context, zone string, addrs []netip.Addr) ([]listing, error) {
	tests := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2}), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	found := make([]listing, 0, len(addrs)+2)
	for i, r := range b.resolver.AskAll(ctx, entries(zone, append(tests, addrs...), mdns.TypeA)) {
		answers, err := listedAt(r)
		switch {
		case err != nil:
			return nil, err
		case i == 0 && len(answers) == 0:
			return nil, errors.New("it does not know its own test entry: it was shut down, or does not answer us")
		case i == 1 && len(answers) > 0:
			return nil, errors.New("it lists everything: it was shut down, or the resolver answers in its place")
		}
		found = append(found, listing{zone: zone, answers: answers})
	}
	found = found[len(tests):]
	b.reasons(ctx, zone, addrs, found)
	return found, nil
}

// reasons asks for the reasons of the listed addresses. A list may give none.
func (b *Blocklists) reasons(ctx context.Context, zone string, addrs []netip.Addr, found []listing) {
	for i := range found {
		if len(found[i].answers) == 0 {
			continue
		}
		r := b.resolver.AskAll(ctx, entries(zone, addrs[i:i+1], mdns.TypeTXT))[0]
		for _, rr := range r.Answer.Records {
			if txt, ok := rr.(*mdns.TXT); ok {
				found[i].reason = checks.Clean(strings.Join(txt.Txt, ""), maxText)
				break
			}
		}
	}
}

// listedAt parses an answer: values in 127.0.0.0/8 mean that the address is
// listed (RFC 5782 section 2.1), except 127.255.255.0/24, which means that the
// list refused the question (https://www.spamhaus.org/faqs/dnsbl-usage/). Any
// other value means that another server answered in place of the list.
func listedAt(r Result) ([]netip.Addr, error) {
	if err := r.looked(); err != nil {
		return nil, err
	}
	if r.Answer.Rcode == mdns.RcodeServerFailure {
		return nil, fmt.Errorf("the resolver fails for it: %s", r.Answer.line())
	}
	for _, a := range r.Answer.Addrs {
		switch four := a.As4(); {
		case four[0] != 127:
			return nil, fmt.Errorf("it answers %s, which no list does", a)
		case four[1] == 255 && four[2] == 255:
			return nil, fmt.Errorf("it refuses with %s: %s", a, refusal(four[3]))
		}
	}
	return r.Answer.Addrs, nil
}

// refusal returns the meaning of the last octet of an error.
func refusal(octet byte) string {
	switch octet {
	case 252:
		return "no such list"
	case 254:
		return "asked through a public resolver"
	case 255:
		return "too many questions"
	}
	return "not explained"
}

// entries returns the questions about addresses to a list: octets or nibbles in
// reverse order (RFC 5782 sections 2.1 and 2.4).
func entries(zone string, addrs []netip.Addr, kind uint16) []Query {
	queries := make([]Query, len(addrs))
	for i, a := range addrs {
		queries[i] = Query{Name: reversed(a.Unmap()) + "." + zone, Type: kind}
	}
	return queries
}

func reversed(a netip.Addr) string {
	octets := a.AsSlice()
	words := make([]string, 0, 2*len(octets))
	for i := len(octets) - 1; i >= 0; i-- {
		if a.Is4() {
			words = append(words, fmt.Sprint(octets[i]))
		} else {
			words = append(words, fmt.Sprintf("%x.%x", octets[i]&15, octets[i]>>4))
		}
	}
	return strings.Join(words, ".")
}

// finding is about one address, which is its Name, so that each address has a
// key of its own.
func finding(addr netip.Addr, lists []listing) checks.Finding {
	var zones, detail []string
	for _, f := range lists {
		zones = append(zones, f.zone)
		detail = append(detail, strings.TrimSpace(fmt.Sprintf("%s: %s %s", f.zone, addressList(f.answers), f.reason)))
	}
	args := checks.Args{"address": addr.String(), "lists": nameList(zones), "count": len(lists)}
	if lists[0].reason != "" {
		args["reason"] = lists[0].reason
	}
	return checks.Finding{
		Name: addr.String(), Code: checks.DNSBLListed, Severity: checks.DNSBLListed.Severity(),
		Args: args, Detail: checks.Clean(strings.Join(detail, "; "), checks.DetailLength),
	}
}
