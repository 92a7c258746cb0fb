package dns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"
)

// Sizes in bytes. 1232 fits every path unfragmented (DNS flag day 2020).
const (
	headerLen = 12
	maxUDP    = 4096 // more than we request: not every server keeps to the limit
	askedUDP  = 1232
	maxName   = 255 // RFC 1035 section 2.3.4
	maxLabel  = 63
	maxKept   = 200 // records of an answer; the rest is skipped
)

// Bits of a message's second word (RFC 1035 section 4.1.1, RFC 4035 section 3).
const (
	flagQR     = 1 << 15
	opcodeMask = 15 << 11
	flagAA     = 1 << 10
	flagTC     = 1 << 9
	flagRD     = 1 << 8
	flagAD     = 1 << 5
	flagCD     = 1 << 4
)

// Answer is a server's answer to one question.
type Answer struct {
	Server        netip.AddrPort
	Rcode         int  // RFC 6895, the upper bits from EDNS
	Authoritative bool // AA
	Authenticated bool // AD: the resolver validated the signatures
	Addrs         []netip.Addr
	Records       []mdns.RR // of the answer section, without addresses and signatures
	Zone          string    // that a negative answer comes from (RFC 2308 section 2.1), in lower case; empty: not said
	Primary       string    // the zone's primary name server, likewise
	Authority     []mdns.RR // NS records: a referral
	Extra         []mdns.RR // referrals only: the addresses of name servers
	Errors        []ExtendedError
}

// ExtendedError is a reason of a failure, as sent by the resolver (RFC 8914).
type ExtendedError struct {
	Code uint16
	Text string // as sent by the server, not sanitized; may be empty
}

// pack writes a query with id 0 into buf and returns it with the offset at
// which its question ends.
func pack(buf []byte, q Query) (msg []byte, question int, err error) {
	flags := uint16(flagRD)
	if q.iter {
		flags = 0
	}
	if q.CD {
		flags |= flagCD
	}
	extra := byte(1)
	if q.iter {
		extra = 0 // old authoritative servers fail on EDNS, and long answers can use TCP
	}
	buf = append(buf, 0, 0, byte(flags>>8), byte(flags), 0, 1, 0, 0, 0, 0, 0, extra)
	if buf, err = packName(buf, q.Name); err != nil {
		return buf, 0, err
	}
	buf = binary.BigEndian.AppendUint16(buf, q.Type)
	buf = append(buf, 0, mdns.ClassINET)
	question = len(buf)
	if extra == 1 {
		do := byte(0)
		if q.DO {
			do = 0x80
		}
		buf = append(buf, 0, 0, byte(mdns.TypeOPT), askedUDP>>8, askedUDP&0xff, 0, 0, do, 0, 0, 0)
	}
	return buf, question, nil
}

// packName writes a name in lower case, so that an answer can be compared byte
// by byte. Escapes are not valid in a host name.
func packName(buf []byte, name string) ([]byte, error) {
	start, rest := len(buf), strings.TrimSuffix(name, ".")
	if strings.ContainsRune(rest, '\\') {
		return buf, fmt.Errorf("%q is no name to ask for", name)
	}
	for more := rest != ""; more; {
		var label string
		label, rest, more = strings.Cut(rest, ".")
		if label == "" || len(label) > maxLabel {
			return buf, fmt.Errorf("%q is no name to ask for", name)
		}
		buf = append(buf, byte(len(label)))
		for i := range len(label) {
			c := label[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			buf = append(buf, c)
		}
	}
	if buf = append(buf, 0); len(buf)-start > maxName {
		return buf, fmt.Errorf("%q is longer than a name can be", name)
	}
	return buf, nil
}

func truncated(msg []byte) bool { return msg[2]&(flagTC>>8) != 0 }

// parse parses an answer whose question ends at the offset question.
func parse(msg []byte, question int) (Answer, error) {
	if len(msg) < question || question < headerLen+4 {
		return Answer{}, ErrMalformed
	}
	flags, asked := binary.BigEndian.Uint16(msg[2:]), binary.BigEndian.Uint16(msg[question-4:])
	a := Answer{Rcode: int(flags & 15), Authoritative: flags&flagAA != 0, Authenticated: flags&flagAD != 0}
	off, kept := question, 0
	for section := range 3 {
		for range binary.BigEndian.Uint16(msg[6+2*section:]) {
			r, err := rawRecord(msg, off)
			if err != nil {
				return Answer{}, err
			}
			if kept++; kept <= maxKept || r.kind == mdns.TypeOPT {
				if err := a.keep(msg, r, section, asked); err != nil {
					return Answer{}, err
				}
			}
			off = r.end
		}
	}
	return a, nil
}

// record is the position of a resource record in a message.
type record struct {
	start, data, end int
	kind, class      uint16
	ttl              uint32
}

func rawRecord(msg []byte, start int) (record, error) {
	off, err := skipName(msg, start)
	if err != nil || off+10 > len(msg) {
		return record{}, ErrMalformed
	}
	r := record{
		start: start, data: off + 10,
		kind:  binary.BigEndian.Uint16(msg[off:]),
		class: binary.BigEndian.Uint16(msg[off+2:]),
		ttl:   binary.BigEndian.Uint32(msg[off+4:]),
	}
	r.end = r.data + int(binary.BigEndian.Uint16(msg[off+8:]))
	if r.end > len(msg) {
		return record{}, ErrMalformed
	}
	return r, nil
}

// skipName returns the offset after a name, which may end in a compression
// pointer (RFC 1035 section 4.1.4).
func skipName(msg []byte, off int) (int, error) {
	for off < len(msg) {
		switch b := int(msg[off]); {
		case b == 0:
			return off + 1, nil
		case b >= 0xc0:
			return off + 2, nil
		case b > maxLabel:
			return 0, ErrMalformed
		default:
			off += 1 + b
		}
	}
	return 0, ErrMalformed
}

// Sections of a message after the question.
const (
	sectionAnswer = iota
	sectionAuthority
	sectionExtra
)

// optionEDE is the EDNS option of RFC 8914.
const optionEDE = 15

// maxErrors is how many extended errors of an answer are kept: a resolver sends
// one or two.
const maxErrors = 8

// keep adds a record to the answer. Addresses, EDNS and the zones of negative
// answers, one of which nearly every answer has, are parsed in place, other
// records by the library. An address of
// the other family is dropped: callers that asked for A rely on IPv4.
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
	case mdns.TypeSOA:
		if section == sectionAuthority {
			return a.start(msg, r)
		}
		if section == sectionExtra {
			return nil
		}
	case mdns.TypeNS, mdns.TypeCNAME, mdns.TypeDNAME, mdns.TypePTR, mdns.TypeTXT, mdns.TypeCAA, mdns.TypeDS:
		if section == sectionExtra {
			return nil
		}
	default:
		return nil // signatures, and records that were not asked for
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

// options parses the extended errors of an OPT record's data (RFC 6891 section
// 6.1.2).
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

// start parses the SOA record with which a negative answer says whose it is: two
// names and five numbers (RFC 1035 section 3.3.13).
func (a *Answer) start(msg []byte, r record) error {
	zone, _, err := mdns.UnpackDomainName(msg[:r.end], r.start)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	primary, off, err := mdns.UnpackDomainName(msg[:r.end], r.data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if off, err = skipName(msg[:r.end], off); err != nil || off+5*4 != r.end {
		return ErrMalformed
	}
	if a.Zone == "" {
		a.Zone, a.Primary = undot(zone), undot(primary)
	}
	return nil
}

// NameServers returns the names of the answer's NS records, in lower case.
func (a Answer) NameServers() []string {
	var names []string
	for _, rr := range a.Records {
		if ns, ok := rr.(*mdns.NS); ok {
			names = append(names, undot(ns.Ns))
		}
	}
	return names
}

// undot returns a record's name in the form used elsewhere: lower case, without
// the final dot.
func undot(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
