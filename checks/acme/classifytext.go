package acme

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"domovoy/checks"
)

// lookedAt is how much of each end of a text is read, in bytes: a debug log of
// a client can be megabytes long and has the error at its end.
const lookedAt = 8 << 10

// secondary is what Boulder puts before the first failure of a remote
// validator when its own check passed (va.go).
const secondary = "during secondary validation:"

// words is a text as the rules read it: of bounded length, on one line, without
// the escapes of JSON and XML, and without quotations from sites and zones.
type words struct {
	plain string
	lower string
	grams *grams // of lower
}

// escapes matches the JSON escapes (RFC 8259 section 7) that Boulder's texts
// acquire on their way into a log, nested to any depth.
var escapes = regexp.MustCompile(`\\+(["/nrt]|u[0-9a-fA-F]{4})`)

// unescape returns the character of an escape; line ends become spaces.
func unescape(escape string) string {
	escape = strings.TrimLeft(escape, `\`)
	switch {
	case escape == `"` || escape == "/":
		return escape
	case len(escape) == len("u0000"): // of an encoder that writes ASCII only
		code, err := strconv.ParseUint(escape[1:], 16, 16)
		if err != nil || code < ' ' || utf16.IsSurrogate(rune(code)) || code == '"' || code == '\\' { // a quote must not end a quotation
			return " "
		}
		return string(rune(code))
	}
	return " "
}

// entities are those of XML.
var entities = strings.NewReplacer("&quot;", `"`, "&#34;", `"`, "&apos;", "'", "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&")

func read(text string) words {
	if len(text) > 2*lookedAt {
		text = text[:lookedAt] + "\n" + text[len(text)-lookedAt:]
	}
	text = checks.WithoutColors(text)
	for range 2 { // a log page shows XML as text, so escapes may be nested
		text = entities.Replace(withoutStrangers(text))
	}
	if strings.Contains(text, `\`) {
		text = entities.Replace(escapes.ReplaceAllStringFunc(withoutStrangers(text), unescape))
	}
	text = strings.Join(strings.Fields(withoutStrangers(text)), " ")
	if strings.Contains(text, "?") {
		text = visited.ReplaceAllString(text, "$1")
	}
	lower := strings.ToLower(text)
	return words{plain: text, lower: lower, grams: gramsOf(lower)}
}

// visited matches a URL of the site. Its query is chosen by the site and may
// look like one of the CA's links.
var visited = regexp.MustCompile(`((?:Invalid response from|Fetching|redirect target) "?https?://[^\s?"]*)\?[^\s"]*[^\s":]`)

// strangers matches the start of text that comes from a site or a zone and that
// Boulder quotes (va/http.go, va/dns.go). Rules must not mistake it for the
// CA's own words.
var quotedContent = regexp.MustCompile(`^(?:Invalid\s+response\s+from\s+\S+\s+|\(got\s+|TXT\s+record\s+)(\\*)"`)

// openers are the first words that strangers can match: searching for plain
// words is fast.
var openers = [...]string{"Invalid", "(got", "TXT"}

// Bytes that are examined of a page's URL and of a quotation. Boulder reads 128
// bytes of a page, and escaping makes at most six bytes of one.
const (
	pageLength  = 2048
	quoteLength = 1024
)

// withoutStrangers removes the quoted text. The closing quote has as many
// backslashes as the opening one; quotes inside have more.
func withoutStrangers(text string) string {
	var kept strings.Builder
	for {
		at := -1
		for _, o := range openers {
			if i := strings.Index(text, o); i >= 0 && (at < 0 || i < at) {
				at = i
			}
		}
		if at < 0 {
			break
		}
		m := quotedContent.FindStringSubmatchIndex(text[at:min(len(text), at+pageLength)])
		if m == nil {
			kept.WriteString(text[:at+1])
			text = text[at+1:]
			continue
		}
		end := at + m[1]
		kept.WriteString(text[:end])
		quoted := text[end:min(len(text), end+quoteLength)]
		text = text[end+closing(quoted, m[3]-m[2]):]
	}
	kept.WriteString(text)
	return kept.String()
}

// closing is the offset of the quote that closes one opened with depth
// backslashes.
func closing(quoted string, depth int) int {
	slashes := 0
	for i := range len(quoted) {
		switch c := quoted[i]; {
		case c == '\\':
			slashes++
			continue
		case c == '"' && slashes == depth:
			return i - depth
		}
		slashes = 0
	}
	return len(quoted)
}

// heading matches the start of another problem in certbot's report, in
// acme.sh's output, or as a problem document.
var heading = regexp.MustCompile(`\b(?:domain|identifier|type|detail): |"type": ?"|: ?invalid status|verify error|acme:error:`)

// remote reports whether only the remote validators saw the problem at this
// offset.
func (t words) remote(at int) bool {
	i := strings.LastIndex(t.lower[:at], secondary)
	return i >= 0 && !heading.MatchString(t.lower[i+len(secondary):at])
}

// named matches how clients say which name a problem concerns: certbot's
// report, acme.sh's lines, or an authorization object (RFC 8555 section 7.1.4).
var named = regexp.MustCompile(`\b(?:domain|identifier): ([^\s"<]+\.[^\s"<]+)|([^\s"\]]+): ?(?:invalid status|verify error|challenge error|invalid code)|"identifier": ?\{ ?"type": ?"dns", ?"value": ?"([^"]+)"`)

// namers are the words one of which occurs where named matches: searching for
// plain words is fast.
var namers = [...]string{"domain: ", "identifier", "invalid status", "verify error", "challenge error", "invalid code"}

// namedIn finds up to n names in a text.
func namedIn(text string, n int) [][]string {
	for _, word := range namers {
		if strings.Contains(text, word) {
			return named.FindAllStringSubmatch(text, n)
		}
	}
	return nil
}

// reach is how far before a problem its name may be, in bytes.
const reach = 2 << 10

// name returns the name that the problem concerns; empty: the text does not
// say.
func (t words) name(p problem) string {
	if name, ok := p.args["name"].(string); ok {
		return name
	}
	if p.at == 0 && p.code == "" {
		return ""
	}
	before := namedIn(t.lower[max(0, p.at-reach):p.at], -1)
	after := namedIn(t.lower[p.at:min(len(t.lower), p.at+reach)], 1)
	for _, m := range append(before[max(0, len(before)-1):], after...) {
		if name := hostname(m[1] + m[2] + m[3]); name != "" {
			return name
		}
	}
	name, _ := p.args["host"].(string)
	return name
}

// moment matches the time from which the CA accepts requests again, as current
// and older versions of Boulder write it.
var moment = regexp.MustCompile(`retry after (\d{4}-\d\d-\d\d)[ t](\d\d:\d\d:\d\d)`)

// header matches Retry-After in seconds (RFC 9110 section 10.2.3), in the logs
// of clients that record the CA's response headers.
var header = regexp.MustCompile(`retry-after: ?(\d{1,7})\b`)

// retry adds when to try again: a moment, which Boulder gives in UTC, or
// seconds from the attempt on.
func (t words) retry(args checks.Args) {
	var latest time.Time
	for _, m := range moment.FindAllStringSubmatch(t.lower, -1) {
		if at, err := time.Parse(time.DateTime, m[1]+" "+m[2]); err == nil && at.After(latest) {
			latest = at
		}
	}
	if !latest.IsZero() {
		args["until"] = latest
		return
	}
	if found := header.FindAllStringSubmatch(t.lower, -1); len(found) > 0 {
		if seconds, err := strconv.Atoi(found[len(found)-1][1]); err == nil && seconds > 0 {
			args["wait"] = seconds
		}
	}
}

// unpause matches the link by which a person ends the pause (Boulder,
// sfe/v1/unpause). Its host differs from CA to CA.
var unpause = regexp.MustCompile(`https?://[^\s"'<>]+/sfe/v\d+/unpause\?jwt=[\w.-]+`)

// nameLength is the length of the longest possible name (RFC 1035 section
// 2.3.4).
const nameLength = 253

var nameLike = regexp.MustCompile(`^(?:\*\.)?[\w\x{80}-\x{10ffff}-]+(?:\.[\w\x{80}-\x{10ffff}-]+)*$`)

// hostname returns a host name without the punctuation around it; empty: s is
// not a valid name.
func hostname(s string) string {
	s = strings.Trim(s, ` .,;:'"()[]«»`)
	if len(s) > nameLength || !nameLike.MatchString(s) {
		return ""
	}
	return s
}

// address returns an IP address; empty: s is not a valid one.
func address(s string) string {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return ""
	}
	return a.String()
}

// window returns the window of a rate limit as a Go duration; older versions of
// Boulder write hours.
func window(s string) string {
	if hours, ok := strings.CutSuffix(s, " hours"); ok {
		return fmt.Sprintf("%sh0m0s", hours)
	}
	return s
}
