package dns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"
)

// Sections of a message after the question.
const (
	sectionAnswer = iota
	sectionAuthority
	sectionExtra
)

// optionEDE is the EDNS option of RFC 8914.
const optionEDE = 15

// maxErrors of an answer are kept: a resolver sends one or two.
const maxErrors = 8

// keep adds what a record says to the answer. Addresses and EDNS, which come
// with nearly every answer, are read in place; the rest by the library. An
// address of a kind that was not asked for belongs to no answer: whoever asked
// for A counts on four bytes.
func (a *Answer) keep(msg []byte, r record, section int, asked uint16) error {
	if r.kind == mdns.TypeOPT {
		a.Rcode |= int(r.ttl>>24) << 4
		return a.options(msg[r.data:r.end])
	}
	if r.class != mdns.ClassINET {
		return nil
	}
	switch r.kind {
	case mdns.TypeA, mdns.TypeAAAA:
		if section == sectionAnswer && r.kind != asked {
			return nil
		}
		if section == sectionAnswer {
			addr, ok := netip.AddrFromSlice(msg[r.data:r.end])
			if !ok || addr.Is4() != (r.kind == mdns.TypeA) {
				return fmt.Errorf("%w: an address of %d bytes", ErrMalformed, r.end-r.data)
			}
			a.Addrs = append(a.Addrs, addr)
			return nil
		}
		if section != sectionExtra {
			return nil
		}
	case mdns.TypeNS, mdns.TypeSOA, mdns.TypeCNAME, mdns.TypeDNAME, mdns.TypePTR, mdns.TypeTXT, mdns.TypeCAA:
		if section == sectionExtra {
			return nil
		}
	default:
		return nil // signatures and whatever a resolver adds unasked
	}
	rr, _, err := mdns.UnpackRR(msg[:r.end], r.start)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch section {
	case sectionAnswer:
		a.Records = append(a.Records, rr)
	case sectionAuthority:
		a.Authority = append(a.Authority, rr)
	case sectionExtra:
		a.Extra = append(a.Extra, rr)
	}
	return nil
}

// options reads the extended errors out of an OPT record's data (RFC 6891
// section 6.1.2).
func (a *Answer) options(data []byte) error {
	for len(data) > 0 {
		if len(data) < 4 {
			return ErrMalformed
		}
		code, size := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if data = data[4:]; size > len(data) {
			return ErrMalformed
		}
		if code == optionEDE && size >= 2 && len(a.Errors) < maxErrors {
			a.Errors = append(a.Errors, ExtendedError{Code: binary.BigEndian.Uint16(data), Text: string(data[2:size])})
		}
		data = data[size:]
	}
	return nil
}

// Zone is the name of the zone that a negative answer comes from (RFC 2308
// section 2.1), empty if the answer does not say.
func (a Answer) Zone() string {
	for _, rr := range a.Authority {
		if soa, ok := rr.(*mdns.SOA); ok {
			return undot(soa.Hdr.Name)
		}
	}
	return ""
}

// NameServers are the names that the answer's NS records give, lower case.
func (a Answer) NameServers() []string {
	var names []string
	for _, rr := range a.Records {
		if ns, ok := rr.(*mdns.NS); ok {
			names = append(names, undot(ns.Ns))
		}
	}
	return names
}

// undot gives a name of a record the form that names have elsewhere.
func undot(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
