package ispmanager

import (
	"net/netip"
	"strings"

	"domovoy/checks"
)

const (
	listedDoubts = 100 // unreadable values are listed up to here, and all counted
	shownRunes   = 100 // of an unreadable value
)

// reading is what parsing gave: rows, and what in them could not be understood.
type reading[Row any] struct {
	rows    []Row
	doubts  []checks.Unreadable
	doubtsN int
}

func (r *reading[Row]) doubt(table string, row int64, column, value string) {
	r.doubtsN++
	if len(r.doubts) < listedDoubts {
		r.doubts = append(r.doubts, checks.Unreadable{Table: table, Row: row, Column: column, Value: shown(value)})
	}
}

// shown is a stored value as evidence. A copy, so that it does not keep its
// whole batch in memory.
func shown(value string) string {
	if value == nullMark {
		return "NULL"
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	n := 0
	for i := range value {
		if n == shownRunes {
			value = value[:i]
			break
		}
		n++
	}
	return strings.Clone(value)
}

// flag reads the panel's boolean. The second result is false for what is
// neither 'on' nor 'off' nor missing.
func flag(field string) (checks.Flag, bool) {
	switch {
	case field == "on", strings.EqualFold(strings.TrimSpace(field), "on"):
		return checks.On, true
	case field == "off", strings.EqualFold(strings.TrimSpace(field), "off"):
		return checks.Off, true
	}
	return checks.Unset, plain(field) == ""
}

// flag reads a boolean of a row.
func (r *reading[Row]) flag(table string, row int64, column, field string) checks.Flag {
	value, ok := flag(field)
	if !ok {
		r.doubt(table, row, column, field)
	}
	return value
}

// name gives the A-label form of a name stored in two forms, of which nobody
// says which is which: the first that converts. Else it stays as stored, and
// counts.
func (r *reading[Row]) name(table string, row int64, name, idn string) string {
	for _, form := range [2]string{idn, name} {
		if form = plain(form); form != "" {
			if ascii, err := toASCII(form); err == nil {
				return ascii
			}
		}
	}
	r.doubt(table, row, "name", name)
	if stored := plain(name); stored != "" {
		return strings.ToValidUTF8(stored, "\uFFFD")
	}
	return strings.ToValidUTF8(plain(idn), "\uFFFD")
}

// toASCII is checks.ToASCII, which takes half of the time of a reading for
// names that are A-labels as they stand, as nearly all are.
func toASCII(name string) (string, error) {
	if settled(name) {
		return name, nil
	}
	return checks.ToASCII(name)
}

// settled reports whether a name is certainly its own A-label form: lower-case
// letters, digits and hyphens (RFC 5890 section 2.3.1), no label in punycode
// and no wildcard.
func settled(name string) bool {
	labels, start := 1, 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if !settledLabel(name[start:i]) {
				return false
			}
			labels, start = labels+1, i+1
		case (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-':
			return false
		}
	}
	return labels > 1 && len(name) <= 253 && settledLabel(name[start:])
}

func settledLabel(label string) bool {
	n := len(label)
	return n > 0 && n <= 63 && label[0] != '-' && label[n-1] != '-' && (n < 4 || label[2:4] != "--")
}

// address reads an IP address as text.
func (r *reading[Row]) address(table string, row int64, column, field string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.TrimSpace(field))
	if err != nil {
		r.doubt(table, row, column, field)
		return netip.Addr{}, false
	}
	return address.Unmap(), true
}
