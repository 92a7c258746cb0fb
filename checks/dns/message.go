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
	maxUDP    = 4096 // more than we ask for: not every server keeps to it
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

// Answer is what a server said to one question.
type Answer struct {
	Server        netip.AddrPort
	Rcode         int  // RFC 6895, the upper bits from EDNS
	Authoritative bool // AA
	Authenticated bool // AD: the resolver vouches for the signatures
	Addrs         []netip.Addr
	Records       []mdns.RR // of the answer section, without addresses and signatures
	Authority     []mdns.RR
	Extra         []mdns.RR // referrals only: the addresses of name servers
	Errors        []ExtendedError
}

// ExtendedError says why a resolver failed (RFC 8914).
type ExtendedError struct {
	Code uint16
	Text string // as sent: foreign; may be empty
}

// pack writes a query with id 0 into buf and tells where its question ends.
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
		extra = 0 // old authoritative servers stumble over EDNS, and TCP is there for long answers
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

// packName writes a name in lower case, so that an answer can be held against
// it letter by letter. Escapes have no place in a host's name.
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

// parse reads an answer whose question is known to end at question.
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

// record is where one resource record stands in a message.
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

// skipName finds the end of a name, which may end in a compression pointer
// (RFC 1035 section 4.1.4).
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
