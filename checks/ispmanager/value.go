package ispmanager

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
)

const (
	listedDoubts = 20_000 // this many unreadable values are listed; all are counted
	shownRunes   = 100    // of an unreadable value
)

// reading is the result of parsing: rows, and the values that could not be
// parsed.
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

// shown returns a stored value as evidence, copied so that it does not keep its
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

// flag reads a boolean of a row and records one that cannot be parsed.
func (r *reading[Row]) flag(table string, row int64, column, field string) checks.Flag {
	value, ok := flag(field)
	if !ok {
		r.doubt(table, row, column, field)
	}
	return value
}

// name returns the A-label form of a name that is stored in two forms; the
// tables do not say which is which, so the first that converts is taken. If
// none does, the name stays as stored, and counts as unreadable unless it can
// be read but breaks a rule for names: a lone label, an address, a hyphen at the
// end of a label.
func (r *reading[Row]) name(table string, row int64, name, idn string) string {
	for _, form := range [2]string{idn, name} {
		if form = plain(form); form != "" {
			if ascii, err := toASCII(form); err == nil {
				return ascii
			}
		}
	}
	stored := strings.ToValidUTF8(cmp.Or(plain(name), plain(idn)), "\uFFFD")
	if why, refused := checks.Refused(stored); refused && why.Rule != checks.RuleSpelling {
		return strings.ToLower(stored)
	}
	r.doubt(table, row, "name", name)
	return stored
}

// toASCII is checks.ToASCII with a fast path for names that are A-labels
// already, as almost all are: converting those would take half of a reading's
// time.
func toASCII(name string) (string, error) {
	if settled(name) {
		return name, nil
	}
	return checks.ToASCII(name)
}

// settled reports whether a name is its own A-label form beyond doubt:
// lower-case letters, digits and hyphens (RFC 5890 section 2.3.1), no punycode
// label and no wildcard.
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

// Dates outside these years are damaged.
const (
	firstYear, lastYear = 1990, 2100
	day                 = 24 * 60 * 60 // seconds
)

// clock reads dates as the panel may have written them: local time of a zone
// ("2026-11-21 14:05:00", also with T, without seconds, date only, with an
// offset), and seconds or milliseconds since 1970. Which of them the panel
// uses is not documented.
//
// A time that occurred twice is taken as the first; a time that was skipped is
// read with the offset before the change.
type clock struct {
	zone     *time.Location
	offset   int64 // seconds east of UTC
	from, to int64 // local seconds for which offset is valid
}

// parse returns the zero time and false if text is not a valid date.
func (c *clock) parse(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	seconds, ok := civil(text)
	if !ok {
		return epoch(text)
	}
	if len(text) <= len(time.DateOnly) {
		return time.Unix(seconds-c.east(seconds), 0).UTC(), true
	}
	ofDay, tail, ok := timeOfDay(text[len(time.DateOnly):])
	if !ok {
		return time.Time{}, false
	}
	seconds += ofDay
	offset, given, ok := zoneOffset(tail)
	if !ok {
		return time.Time{}, false
	}
	if !given {
		offset = c.east(seconds)
	}
	return time.Unix(seconds-offset, 0).UTC(), true
}

// east returns the offset at a local time, given in seconds as if it were UTC.
// It caches the last result, because the dates of a log are in order.
func (c *clock) east(local int64) int64 {
	if local >= c.from && local < c.to {
		return c.offset
	}
	at := func(seconds int64) (int64, time.Time) {
		t := time.Unix(seconds, 0).In(c.zone)
		_, offset := t.Zone()
		return int64(offset), t
	}
	before, t := at(local - day)
	after, _ := at(local + day)
	if before == after {
		start, end := t.ZoneBounds()
		c.offset, c.from, c.to = before, inside(start, 1, local), inside(end, -1, local+1)
		return before
	}
	for _, offset := range []int64{before, after} {
		if valid, _ := at(local - offset); valid == offset {
			return offset
		}
	}
	return before
}

// inside shrinks a bound of the period with one offset by two days towards
// local, so that times that occur twice or never are not served from the cache.
func inside(bound time.Time, side, local int64) int64 {
	switch {
	case bound.IsZero() && side > 0:
		return math.MinInt64
	case bound.IsZero():
		return math.MaxInt64
	case side > 0:
		return min(local, bound.Unix()+2*day)
	}
	return max(local, bound.Unix()-2*day)
}

// civil reads the date at the start of the text, in seconds since 1970.
func civil(text string) (int64, bool) {
	if len(text) < len(time.DateOnly) || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(text[:4])
	month, ok2 := digits(text[5:7])
	dayOf, ok3 := digits(text[8:10])
	if !ok1 || !ok2 || !ok3 || year < firstYear || year > lastYear || month < 1 || month > 12 || dayOf < 1 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), dayOf, 0, 0, 0, 0, time.UTC)
	return t.Unix(), t.Day() == dayOf // 31 November would become 1 December
}

// timeOfDay reads " 14:05:07.5+03:00" as seconds of the day, without the
// fraction, and what follows them.
func timeOfDay(text string) (seconds int64, tail string, ok bool) {
	if len(text) < len(" 15:04") || (text[0] != ' ' && text[0] != 'T') || text[3] != ':' {
		return 0, "", false
	}
	hour, ok1 := digits(text[1:3])
	minute, ok2 := digits(text[4:6])
	second, ok3 := 0, true
	tail = text[6:]
	if strings.HasPrefix(tail, ":") && len(tail) >= len(":05") {
		second, ok3 = digits(tail[1:3])
		tail = tail[3:]
		if fraction, found := strings.CutPrefix(tail, "."); found {
			tail = strings.TrimLeft(fraction, "0123456789")
		}
	}
	ok = ok1 && ok2 && ok3 && hour < 24 && minute < 60 && second < 60
	return int64(hour*3600 + minute*60 + second), tail, ok
}

// zoneOffset reads "Z", "+03", "+0300" or "+03:00"; given is false if there is
// none.
func zoneOffset(text string) (east int64, given, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false, true
	}
	if text == "Z" || text == "UTC" {
		return 0, true, true
	}
	sign := int64(1)
	if text[0] == '-' {
		sign = -1
	} else if text[0] != '+' {
		return 0, false, false
	}
	text = strings.Replace(text[1:], ":", "", 1)
	if len(text) == 2 {
		text += "00"
	}
	if len(text) != 4 {
		return 0, false, false
	}
	hours, ok1 := digits(text[:2])
	minutes, ok2 := digits(text[2:])
	return sign * int64(hours*3600+minutes*60), true, ok1 && ok2 && hours < 24 && minutes < 60
}

// epoch reads seconds or milliseconds since 1970, as an integer or a fraction.
func epoch(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	t := time.Unix(n, 0).UTC()
	if len(whole) >= 12 {
		t = time.UnixMilli(n).UTC()
	}
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, false
	}
	return t, true
}

// digits reads a short number that consists of digits only.
func digits(text string) (int, bool) {
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}
