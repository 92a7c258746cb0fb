package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Visit is one request for a challenge file in an access log.
type Visit struct {
	Time   time.Time
	Source netip.Addr
	Token  string
	Status int
	FromCA bool // the agent is that of Let's Encrypt's validators
}

// clfTime is the time of nginx's and Apache's combined format.
const clfTime = "02/Jan/2006:15:04:05 -0700"

// longestToken is longer than the tokens of any CA; RFC 8555 section 8.1
// requires at least 22 characters.
const longestToken = 256

// mayBeVisit is a quick check before a line is parsed. A percent sign can
// encode any letter of the path.
func mayBeVisit(line []byte) bool {
	return bytes.Contains(line, []byte("acme-challenge")) || bytes.IndexByte(line, '%') >= 0
}

// parseLine reads one line of the combined format:
//
//	ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS …
//
// It returns false for requests of another kind and for lines in another
// format.
func parseLine(line []byte) (Visit, bool) {
	head, rest, ok := bytes.Cut(line, []byte(" ["))
	if !ok {
		return Visit{}, false
	}
	address, _, _ := bytes.Cut(head, []byte(" "))
	source, err := netip.ParseAddr(string(address))
	if err != nil {
		return Visit{}, false
	}
	stamp, rest, ok := bytes.Cut(rest, []byte(`] "`))
	if !ok {
		return Visit{}, false
	}
	at, err := time.Parse(clfTime, string(stamp))
	if err != nil {
		return Visit{}, false
	}
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return Visit{}, false
	}
	token, ok := requestedToken(string(request))
	status, err := strconv.Atoi(firstWord(rest))
	if !ok || err != nil || status < 100 || status > 599 {
		return Visit{}, false
	}
	return Visit{Time: at, Source: source.Unmap().WithZone(""), Token: token, Status: status, FromCA: bytes.Contains(rest, []byte(caAgent))}, true
}

// caAgent is in the User-Agent of Let's Encrypt's validators.
const caAgent = "Let's Encrypt validation server"

// lineSource returns the source of a line of any kind; invalid: it cannot be
// read.
func lineSource(line []byte) netip.Addr {
	address, _, _ := bytes.Cut(line, []byte(" "))
	source, _ := netip.ParseAddr(string(address)) // the zero Addr is of no source
	return source.Unmap().WithZone("")
}

// lineTime returns the time of a line of any kind.
func lineTime(line []byte) (time.Time, bool) {
	_, rest, _ := bytes.Cut(line, []byte(" ["))
	stamp, _, ok := bytes.Cut(rest, []byte("]"))
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(clfTime, string(stamp))
	return at, err == nil
}

// cutQuoted returns the text before the closing quote. Apache escapes quotes
// with a backslash, nginx as \x22.
func cutQuoted(b []byte) (quoted, rest []byte, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}

func firstWord(b []byte) string {
	word, _, _ := bytes.Cut(bytes.TrimLeft(b, " "), []byte(" "))
	return string(bytes.TrimRight(word, "\r\n"))
}

// requestedToken returns the token of a request line. The target may be
// absolute, have a query, and be percent-encoded.
func requestedToken(request string) (string, bool) {
	_, target, ok := strings.Cut(request, " ")
	if !ok {
		return "", false
	}
	target, _, _ = strings.Cut(target, " ")
	if _, after, absolute := strings.Cut(target, "://"); absolute && !strings.HasPrefix(target, "/") {
		i := strings.IndexByte(after, '/')
		if i < 0 {
			return "", false
		}
		target = after[i:]
	}
	target, _, _ = strings.Cut(target, "?")
	path, err := url.PathUnescape(target)
	if err != nil {
		return "", false
	}
	token, ok := strings.CutPrefix(path, challengePath)
	return token, ok && validToken(token)
}

// validToken reports whether token has base64url characters only (RFC 8555
// section 8.1).
func validToken(token string) bool {
	for _, r := range token {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return token != "" && len(token) <= longestToken
}

// Sizes in bytes for reading a log.
const (
	step        = 1 << 20  // step backwards in search of the start of the period
	longestLine = 64 << 10 // longer ones are skipped
	packing     = 4        // a packed file, which can only be read from its beginning, is read this many times as far
)

// lines calls visit with every line of a log that may have been written since a
// time. It reads at most the given number of bytes from the end, or packing
// times as many from the beginning of a packed log. A line is valid until visit
// returns.
func lines(ctx context.Context, f *os.File, since time.Time, most int64, visit func([]byte)) error {
	var from io.Reader
	if strings.HasSuffix(f.Name(), ".gz") {
		packed, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("unpacking an access log: %w", err)
		}
		from, most = packed, packing*most // the newest lines are at the end
	} else {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		start, err := beginning(f, info.Size(), since, most)
		if err != nil {
			return err
		}
		from = io.NewSectionReader(f, start, info.Size()-start)
	}
	return scan(ctx, io.LimitReader(from, most), visit)
}

// beginning returns an offset after which all lines since a time are, given
// that the log is in order of time.
func beginning(f io.ReaderAt, size int64, since time.Time, most int64) (int64, error) {
	floor := max(size-most, 0)
	for start := size; start > floor; {
		start = max(start-step, floor)
		at, ok, err := timeNear(f, start)
		if err != nil {
			return 0, err
		}
		if ok && at.Before(since) {
			return start, nil
		}
	}
	return floor, nil
}

// timeNear returns the time of the first whole line after an offset.
func timeNear(f io.ReaderAt, offset int64) (time.Time, bool, error) {
	block := make([]byte, longestLine)
	n, err := f.ReadAt(block, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, false, fmt.Errorf("reading an access log: %w", err)
	}
	_, line, _ := bytes.Cut(block[:n], []byte("\n"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	at, ok := lineTime(line)
	return at, ok, nil
}

// scan calls visit with every line that is not too long. The first may be a
// partial one.
func scan(ctx context.Context, from io.Reader, visit func([]byte)) error {
	r := bufio.NewReaderSize(from, longestLine)
	long := false
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = true
			continue
		}
		if !long && len(line) > 0 {
			visit(line)
		}
		long = false
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading an access log: %w", err)
		}
	}
}
