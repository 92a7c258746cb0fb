package dns

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/gaissmai/bart"
)

// ranges.txt is a fallback: whoever needs it exact gives a file of their own.
//
//go:embed ranges.txt
var builtin string

// What a line of a range file tells an owner by.
const (
	kindNet   = "net"   // a prefix
	kindNS    = "ns"    // a name server's suffix
	kindCNAME = "cname" // the suffix of a CNAME's target
	kindPTR   = "ptr"   // the suffix of an address's name
)

// Ranges know the networks of CDNs and of proxies against attacks. The zero
// value knows none.
type Ranges struct {
	nets     bart.Table[string]
	suffixes map[suffix]string
}

// suffix is a domain, and in which role it is evidence.
type suffix struct{ kind, domain string }

// BuiltinRanges are those that came with the program.
func BuiltinRanges() (*Ranges, error) { return ReadRanges(strings.NewReader(builtin)) }

// LoadRanges reads a file that stands in for the built-in list.
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

// ReadRanges reads lines of five words: kind, value, owner, date, source. All
// faulty lines are named at once.
func ReadRanges(from io.Reader) (*Ranges, error) {
	r := &Ranges{suffixes: map[suffix]string{}}
	var errs []error
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) > 0 {
			if err := r.add(words); err != nil {
				errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			}
		}
	}
	if err := errors.Join(append(errs, lines.Err())...); err != nil {
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
	case kindNS, kindCNAME, kindPTR:
		r.suffixes[suffix{kind, undot(value)}] = owner
	default:
		return fmt.Errorf("unknown kind %q", kind)
	}
	return nil
}

// Owner is whose network an address is in, empty if none that is known.
func (r *Ranges) Owner(addr netip.Addr) string {
	owner, _ := r.nets.Lookup(addr.Unmap())
	return owner
}

// suffix is whose domain a host is in, for one kind of evidence.
func (r *Ranges) suffix(kind, host string) string {
	for ; host != ""; host = parent(host) {
		if owner, ok := r.suffixes[suffix{kind, host}]; ok {
			return owner
		}
	}
	return ""
}
