package acme

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
)

// lookedAt is how much of each end of a text is read, in bytes: a debug log of
// a client may be megabytes long, and says what went wrong at its end.
const lookedAt = 8 << 10

// secondary is what Boulder puts before the first failure of a remote
// validator when its own check passed (va.go).
const secondary = "during secondary validation:"

// words are a text as the rules read it: of limited length, on one line, without
// the escapes of JSON and XML, and without quotes of what a site or zone sent.
type words struct {
	plain string
	lower string
}

// escapes are those of JSON (RFC 8259 section 7) that Boulder's texts meet on
// their way into a log, as often as they were put into one another.
var escapes = regexp.MustCompile(`\\+(["/nrt]|u003c|u003e|u0026|u003d)`)

// unescape returns the character of an escape; a line break becomes a space.
func unescape(escape string) string {
	switch strings.TrimLeft(escape, `\`) {
	case `"`:
		return `"`
	case "/":
		return "/"
	case "u003c":
		return "<"
	case "u003e":
		return ">"
	case "u0026":
		return "&"
	case "u003d":
		return "="
	}
	return " "
}

// entities are those of XML.
var entities = strings.NewReplacer("&quot;", `"`, "&#34;", `"`, "&apos;", "'", "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&")

func read(text string) words {
	if len(text) > 2*lookedAt {
		text = text[:lookedAt] + "\n" + text[len(text)-lookedAt:]
	}
	for range 2 { // a page of a log shows XML as text
		text = entities.Replace(withoutStrangers(text))
	}
	if strings.Contains(text, `\`) {
		text = entities.Replace(escapes.ReplaceAllStringFunc(withoutStrangers(text), unescape))
	}
	text = strings.Join(strings.Fields(withoutStrangers(text)), " ")
	if strings.Contains(text, "?") {
		text = visited.ReplaceAllString(text, "$1")
	}
	return words{plain: text, lower: strings.ToLower(text)}
}

// visited is an address on the site: its query is the site's own invention,
// which may look like the CA's link.
var visited = regexp.MustCompile(`((?:Invalid response from|Fetching|redirect target) "?https?://[^\s?"]*)\?[^\s"]*[^\s":]`)

// strangers begin quotes of what a site or a zone sent, as Boulder adds them (va/http.go,
// va/dns.go): it must not speak for the CA.
var strangers = regexp.MustCompile(`^(?:Invalid\s+response\s+from\s+\S+\s+|\(got\s+|TXT\s+record\s+)(\\*)"`)

// openers are the first words of strangers: a search for plain words is fast.
var openers = [...]string{"Invalid", "(got", "TXT"}

// Bytes that are looked at: of a page's address, and of a quote. Boulder reads
// 128 bytes of a page, and escaping makes at most six of one.
const (
	pageLength  = 2048
	quoteLength = 1024
)

// withoutStrangers cuts the quoted words out. The closing quote has as many
// backslashes as the opening one: those inside have more.
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
		m := strangers.FindStringSubmatchIndex(text[at:min(len(text), at+pageLength)])
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

// closing is where the quote ends that was opened with so many backslashes.
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

// heading begins another problem: of certbot's report, of acme.sh, or a problem
// document.
var heading = regexp.MustCompile(`\b(?:domain|identifier|type|detail): |"type": ?"|: ?invalid status|verify error|acme:error:`)

// remote reports whether the problem at this place is one of the remote
// validators only.
func (t words) remote(at int) bool {
	i := strings.LastIndex(t.lower[:at], secondary)
	return i >= 0 && !heading.MatchString(t.lower[i+len(secondary):at])
}

// named is how clients say which name a problem is about: certbot's report,
// acme.sh's lines, an authorization of the CA (RFC 8555 section 7.1.4).
var named = regexp.MustCompile(`\b(?:domain|identifier): ([^\s"<]+\.[^\s"<]+)|([^\s"\]]+): ?(?:invalid status|verify error|challenge error|invalid code)|"identifier": ?\{ ?"type": ?"dns", ?"value": ?"([^"]+)"`)

// reach is how far before a problem its name may be, in bytes.
const reach = 2 << 10

// name is the name that a problem is about; empty: the text does not say.
func (t words) name(p problem) string {
	if name, ok := p.args["name"].(string); ok {
		return name
	}
	if p.at == 0 && p.code == "" {
		return ""
	}
	before := named.FindAllStringSubmatch(t.lower[max(0, p.at-reach):p.at], -1)
	after := named.FindAllStringSubmatch(t.lower[p.at:min(len(t.lower), p.at+reach)], 1)
	for _, m := range append(before[max(0, len(before)-1):], after...) {
		if name := hostname(m[1] + m[2] + m[3]); name != "" {
			return name
		}
	}
	name, _ := p.args["host"].(string)
	return name
}

// moment is when the CA takes us again, as today's and older Boulders write it.
var moment = regexp.MustCompile(`retry after (\d{4}-\d\d-\d\d)[ t](\d\d:\d\d:\d\d)`)

// header is Retry-After in seconds (RFC 9110 section 10.2.3), in the log of a
// client that notes the CA's answers.
var header = regexp.MustCompile(`retry-after: ?(\d{1,7})\b`)

// retry adds when to come again: the moment, always UTC at Boulder, or the
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

// unpause is the link by which a person takes the pause away (Boulder,
// sfe/v1/unpause); the host is the CA's affair.
var unpause = regexp.MustCompile(`https?://[^\s"'<>]+/sfe/v\d+/unpause\?jwt=[\w.-]+`)

// nameLength is the longest name there is (RFC 1035 section 2.3.4).
const nameLength = 253

var nameLike = regexp.MustCompile(`^(?:\*\.)?[\w\x{80}-\x{10ffff}-]+(?:\.[\w\x{80}-\x{10ffff}-]+)*$`)

// hostname is a name without what a sentence puts around it; empty: it is none.
func hostname(s string) string {
	s = strings.Trim(s, ` .,;:'"()[]«»`)
	if len(s) > nameLength || !nameLike.MatchString(s) {
		return ""
	}
	return s
}

// address is an IP address; empty: it is none.
func address(s string) string {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return ""
	}
	return a.String()
}

// window is the time that a limit counts, as Go writes durations: old Boulders
// counted in hours.
func window(s string) string {
	if hours, ok := strings.CutSuffix(s, " hours"); ok {
		return fmt.Sprintf("%sh0m0s", hours)
	}
	return s
}
