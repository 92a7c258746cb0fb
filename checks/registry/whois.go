package registry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"domovoy/checks"
)

// maxAnswer limits an answer in bytes; TCI's have less than a kilobyte.
const maxAnswer = 64 << 10

// askWhois asks a WHOIS server (RFC 3912).
func askWhois(ctx context.Context, server, domain string) (Registration, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return Registration{}, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return Registration{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, domain+"\r\n"); err != nil {
		return Registration{}, err
	}
	text, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil && !complete(text) { // some servers reset the connection after the whole answer
		return Registration{}, errors.Join(ctx.Err(), err)
	}
	answer, err := parseWhois(text, domain)
	answer.Source = server
	return answer, err
}

// complete reports whether an answer has its last line.
func complete(text []byte) bool {
	return bytes.Contains(bytes.ToLower(text), []byte("\nlast updated on "))
}

// says reports whether a line of a text begins with a phrase, in lower case.
func says(text []byte, phrase string) bool {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(phrase)) {
			return true
		}
	}
	return false
}

// parseWhois reads TCI's form of "key: value" lines for .ru, .рф and .su. An
// unclear answer returns ErrUnclear; a refusal because of too many questions
// returns ErrQuota and is never mistaken for an answer.
func parseWhois(text []byte, domain string) (Registration, error) {
	answer := Registration{Domain: domain}
	low := bytes.ToLower(text)
	for _, phrase := range []string{"exceeded allowed connection rate", "limit exceeded", "too many requests", "quota exceeded", "blocked"} {
		if bytes.Contains(low, []byte(phrase)) && !bytes.Contains(low, []byte("\nstate:")) {
			return answer, ErrQuota
		}
	}
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if key = strings.ToLower(strings.TrimSpace(key)); ok && fields[key] == "" {
			fields[key] = strings.TrimSpace(value)
		}
	}
	if fields["domain"] == "" && says(low, "no entries found") {
		if !complete(text) || bytes.ContainsAny(text, "<>") {
			return answer, fmt.Errorf("%w: it is cut after %q, or no answer of a WHOIS server", ErrUnclear, "no entries found")
		}
		answer.State = Free
		return answer, nil
	}
	if name := strings.ToLower(strings.TrimSuffix(fields["domain"], ".")); name != domain {
		return answer, fmt.Errorf("%w: it speaks of %.80q", ErrUnclear, name)
	}
	return fill(answer, fields)
}

// fill sets the fields of a registered domain.
func fill(answer Registration, fields map[string]string) (Registration, error) {
	answer.Registrar = shorten(fields["registrar"])
	answer.PaidTill, answer.FreeDate = day(fields["paid-till"]), day(fields["free-date"])
	answer.Servers = fields["nserver"] != ""
	state := strings.ToUpper(fields["state"])
	answer.Unverified, answer.Verified = strings.Contains(state, "UNVERIFIED"), strings.Contains(state, ", VERIFIED")
	switch {
	case strings.Contains(state, "NOT DELEGATED"):
		answer.State = Undelegated
	case strings.Contains(state, "DELEGATED"):
		answer.State = Delegated
	default:
		return answer, fmt.Errorf("%w: state %.80q", ErrUnclear, state)
	}
	return answer, nil
}

// day reads a date with or without a time; it returns zero if the text is
// neither.
func day(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z", time.DateOnly, "2006.01.02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// shorten makes text from outside short and printable.
func shorten(s string) string { return checks.Clean(s, checks.WordLength) }
