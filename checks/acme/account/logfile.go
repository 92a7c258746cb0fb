package account

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxLine           = 4 << 20 // bytes; acme.sh writes a whole order into one line
	packedFactor      = 4       // a compressed file is read this many times as far: it cannot be read from its end
	contextCheckLines = 4096    // after how many lines the context is checked
)

// readFile reads a log or a state file into the collector. The only error is
// the context's.
func (c *collector) readFile(ctx context.Context, path string, most int64) (SkipReason, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return SkipDenied, nil
	case err != nil:
		return SkipUnreadable, nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return SkipUnreadable, nil
	}
	if strings.HasSuffix(path, ".gz") {
		packed, err := gzip.NewReader(file)
		if err != nil {
			return SkipUnreadable, nil
		}
		return skipped(c.lines(ctx, path, bufio.NewReaderSize(&bounded{packed, most * packedFactor}, 64<<10)), false), ctx.Err()
	}
	tail := info.Size() > most
	reader := bufio.NewReaderSize(&bounded{file, most}, 64<<10)
	if tail {
		if _, err := file.Seek(-most, io.SeekEnd); err != nil {
			return SkipUnreadable, nil
		}
		if _, err := reader.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return skipped(err, tail), nil
		}
	}
	return skipped(c.lines(ctx, path, reader), tail), ctx.Err()
}

func skipped(err error, large bool) SkipReason {
	switch {
	case errors.Is(err, errBound) || large && errors.Is(err, io.EOF) || large && err == nil:
		return SkipLarge
	case err != nil && !errors.Is(err, io.EOF):
		return SkipUnreadable
	}
	return ""
}

// errBound: a file is longer than the part that is read.
var errBound = errors.New("more than is read of one file")

// bounded reads a file's first bytes. It ends with errBound and not with io.EOF
// if the file has more: the last line is incomplete then, and so may be a URL
// in it.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var more [1]byte
		if _, err := io.ReadFull(b.from, more[:]); err != nil {
			return 0, err
		}
		return 0, errBound
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// lines processes every line, or the beginning of one that is too long.
func (c *collector) lines(ctx context.Context, source string, from *bufio.Reader) error {
	r := &lineReader{c: c, source: source}
	var long []byte
	for n := 1; ; n++ {
		if n%contextCheckLines == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		part, err := from.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(long) < maxLine {
				long = append(long, part...)
			}
			continue
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		line := part
		if len(long) > 0 {
			line = append(long, part[:min(len(part), max(0, maxLine-len(long)))]...)
			long = long[:0]
		}
		if len(line) > 0 {
			r.line(line)
		}
		if last {
			return nil
		}
	}
}

// The paths of authorizations and orders: Let's Encrypt's
// /acme/authz/ACCOUNT/ID and the /authz/ID of others, in upper or lower case.
// Boulder's challenges have /chall/, its old authorizations /authz-v3/.
var (
	anyURL           = expression(`https?://[^\s"'<>\\,#\[\]{}|` + "`" + `]+`)
	authorizationURL = expression(`(?i)^https?://[^/?]+(/[^?]*)?/authz/[\w-]+(/[\w-]+)?$`)
	staleURL         = expression(`(?i)^https?://[^/?]+(/[^?]*)?/authz-v3/\d+$`)
	orderURL         = expression(`(?i)^https?://[^/?]+(/[^?]*)?/(my-)?order/[\w-]+(/\d+)?$`)

	listBegins = expression(`"authorizations"\s*:\s*\[`)
	oneName    = expression(`"identifier"\s*:`)                                           // not "identifiers", which an order has
	listEntry  = expression(`([\w.*-]+)#[^#,]*#[^#,]*#[^#,]*#[^#,]*#(https?://[^#,'"]+)`) // an entry of acme.sh's vlist
	nameValue  = expression(`"value"\s*:\s*"([^"\\]{1,260})"`)
)

const maxURL = 2 << 10 // bytes; a CA's URLs have less than 200

// lineReader finds the URLs in one log, line by line. It ignores any status in
// a log: the CA will be asked for that.
type lineReader struct {
	c         *collector
	source    string
	at        time.Time // time of the last line that had one
	inList    bool      // inside an order's "authorizations" that began on an earlier line
	wantsName bool      // an "identifier" began on an earlier line, and its name is still to come
	order     string    // the last order, until its authorizations are found
	last      string    // the last authorization that was alone on its line
}

func (r *lineReader) line(line []byte) {
	if t := lineTime(line); !t.IsZero() {
		r.at = t
		r.inList, r.wantsName = false, false // a new record: the previous one was cut off
	}
	if bytes.Contains(line, []byte(`\/`)) { // JSON may escape slashes
		line = bytes.ReplaceAll(line, []byte(`\/`), []byte(`/`))
	}
	rest := r.lists(line)
	r.urls(rest)
	r.names(line)
}

// lists adds the URLs in "authorizations", whatever their path, and returns the
// rest of the line.
func (r *lineReader) lists(line []byte) []byte {
	var outside []byte
	for {
		if !r.inList {
			if !bytes.Contains(line, []byte(`"authorizations"`)) {
				if outside == nil {
					return line
				}
				return append(outside, line...)
			}
			begin := listBegins().FindIndex(line)
			if begin == nil {
				return append(outside, line...)
			}
			// The order's own URL may come first.
			r.urls(line[:begin[0]])
			line, r.inList = line[begin[1]:], true
		}
		inside, after, closed := bytes.Cut(line, []byte("]"))
		for _, u := range anyURL().FindAll(inside, -1) {
			r.listed(string(u))
		}
		if !closed {
			return outside
		}
		r.inList, r.order = false, ""
		line = after
	}
}

// listed adds an entry of an order's authorizations.
func (r *lineReader) listed(u string) {
	if len(u) > maxURL {
		return
	}
	if staleURL().MatchString(u) {
		r.c.stale(r.seen(u))
	} else {
		r.c.authorization(r.seen(u))
	}
	if r.order != "" {
		r.c.complete(r.order)
	}
}

// urls adds the URLs that have the path of an authorization or an order.
func (r *lineReader) urls(line []byte) {
	if !bytes.Contains(line, []byte("://")) {
		return
	}
	alone := ""
	count := 0
	for _, raw := range anyURL().FindAll(line, -1) {
		u := strings.TrimRight(string(raw), ".:;)!")
		switch {
		case len(u) > maxURL:
		case authorizationURL().MatchString(u):
			r.c.authorization(r.seen(u))
			if u != alone {
				alone = u
				count++
			}
		case staleURL().MatchString(u):
			r.c.stale(r.seen(u))
		case orderURL().MatchString(u):
			r.c.order(r.seen(u))
			r.order = u
		}
	}
	if count == 1 {
		r.last = alone
	}
}

// names sets the name in an answer for the authorization that was requested
// before it.
func (r *lineReader) names(line []byte) {
	if bytes.Contains(line, []byte("#http")) {
		for _, entry := range listEntry().FindAllSubmatch(line, -1) {
			r.c.name(string(entry[2]), bareName(string(entry[1])))
		}
	}
	from := line
	if bytes.Contains(line, []byte(`"identifier"`)) {
		if at := oneName().FindIndex(line); at != nil {
			r.wantsName, from = true, line[at[1]:]
		}
	}
	if !r.wantsName {
		return
	}
	if value := nameValue().FindSubmatch(from); value != nil {
		if r.last != "" {
			r.c.name(r.last, bareName(string(value[1])))
		}
		r.wantsName, r.last = false, ""
	}
}

func (r *lineReader) seen(u string) FoundURL { return FoundURL{URL: u, Source: r.source, At: r.at} }

// lineTime reads the time at the beginning of a record of certbot ("2026-11-21
// 14:34:41,311") or of acme.sh, which writes that of date(1) in the language of
// the server: "[Sat Nov 21 14:34:01 UTC 2026]", "[Сб 21 ноя 2026 14:34:01
// MSK]". The zone is ignored, so the result is exact to about half a day; zero:
// the line has no time.
func lineTime(line []byte) time.Time {
	switch {
	case len(line) < len(time.DateTime):
	case line[0] >= '0' && line[0] <= '9':
		if t, err := time.Parse(time.DateTime, string(line[:len(time.DateTime)])); err == nil {
			return t
		}
	case line[0] == '[':
		if end := bytes.IndexByte(line[:min(len(line), 64)], ']'); end > 0 {
			return dateOf(string(line[1:end]))
		}
	}
	return time.Time{}
}

// dateOf reads a date from its parts, in any order.
func dateOf(text string) time.Time {
	var day, year int
	var month time.Month
	var clock time.Time
	for word := range strings.FieldsSeq(text) {
		word = strings.Trim(word, ".,")
		number, err := strconv.Atoi(word)
		switch {
		case err == nil && len(word) == 4:
			year = number
		case err == nil && len(word) <= 2:
			day = number
		case strings.Contains(word, ":"):
			clock, _ = time.Parse(time.TimeOnly, word)
		case month == 0:
			month = monthOf(word)
		}
	}
	if year == 0 || month == 0 || day < 1 || day > 31 {
		return time.Time{}
	}
	return time.Date(year, month, day, clock.Hour(), clock.Minute(), clock.Second(), 0, time.UTC)
}

// monthOf reads the first letters of an English or Russian month; it returns
// zero for other words. No weekday begins like a month in either language.
func monthOf(word string) time.Month {
	letters := []rune(strings.ToLower(word))
	if len(letters) < 3 {
		return 0
	}
	const english, russian = "janfebmaraprmayjunjulaugsepoctnovdec", "янвфевмарапрмаяиюниюлавгсеноктноядек"
	begin := string(letters[:3])
	if begin == "май" {
		return time.May
	}
	for _, months := range [][]rune{[]rune(english), []rune(russian)} {
		for m := range 12 {
			if string(months[3*m:3*m+3]) == begin {
				return time.Month(m + 1)
			}
		}
	}
	return 0
}
