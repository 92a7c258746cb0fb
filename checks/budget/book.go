package budget

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Book has the limits and lifetimes of CAs, as read from a data file.
type Book struct {
	Updated Date `yaml:"updated"` // when it was last compared with the sources
	CAs     []CA `yaml:"cas"`
}

// CA is one certificate authority: its limits, its lifetimes and announced
// changes.
type CA struct {
	Name          string   `yaml:"name"`
	Hosts         []string `yaml:"hosts"` // globs that match the directory's host, such as *.example.com; host:port for one port
	Source        string   `yaml:"source"`
	RenewalWindow Duration `yaml:"renewal_window"` // an order for the same names within this time is a renewal; 0: the CA has no renewals
	Deactivation  Event    `yaml:"deactivation"`   // what deactivating a pending authorization counts as; empty: nothing, as far as known
	Limits        []Limit  `yaml:"limits"`
	Lifetimes     []Life   `yaml:"lifetimes"`
	Remotes       []Remote `yaml:"remotes"` // how many of its remote looks may miss; empty: as another CA's of the book
	Changes       []Change `yaml:"changes"`
}

// Scope is what a limit has a bucket for: each account, domain, name or set of
// names.
type Scope string

// The scopes of limits.
const (
	Account Scope = "account"
	Domain  Scope = "domain" // registered domain
	Set     Scope = "set"    // exact set of names
	Name    Scope = "name"
)

// Event is what spends a token of a bucket.
type Event string

// The events.
const (
	OrderMade   Event = "order"
	CertIssued  Event = "certificate"
	CheckFailed Event = "failure" // validation of one name
)

// Exemption is a kind of order that spends no token, and that the CA accepts
// even if the bucket is empty.
type Exemption string

// The exemptions that CAs grant. A log does not show whether a client ordered
// by ARI (RFC 9773), so the meter never assumes it.
const (
	ByRenewal Exemption = "renewal"
	ByARI     Exemption = "ari"
)

// Limit is one rate limit: a token bucket for each subject.
type Limit struct {
	Name   string      `yaml:"name"`
	Scope  Scope       `yaml:"scope"`
	Spent  Event       `yaml:"spent"`
	Size   int         `yaml:"size"`
	Refill Duration    `yaml:"refill"` // time after which one token is regained
	Exempt []Exemption `yaml:"exempt"`
	From   Date        `yaml:"from"` // since when the numbers are valid; zero: always
	Shared bool        `yaml:"all_accounts"`
	Resets bool        `yaml:"resets"` // a success refills it
	Pauses bool        `yaml:"pauses"` // when it is empty, the name is paused
}

// Life is the lifetime of certificates and authorizations of a profile.
type Life struct {
	Profile  string   `yaml:"profile"`
	From     Date     `yaml:"from"`
	Lifetime Duration `yaml:"lifetime"` // of a certificate
	Reuse    Duration `yaml:"reuse"`    // of a valid authorization
	Pending  Duration `yaml:"pending"`  // of an authorization that is never validated
}

// Remote is how many looks from remote networks may fail without the validation
// of a name failing (CA/Browser Forum Baseline Requirements section 3.2.2.9).
type Remote struct {
	From   Date   `yaml:"from"`   // since when; zero: always
	Looks  int    `yaml:"looks"`  // from so many remote looks on
	Misses int    `yaml:"misses"` // that many may fail
	Source string `yaml:"source"`
}

// MayMiss is how many of so many remote looks of the CA that serves a
// directory's host may fail at a time. A CA that the book has no table of counts
// as the first one that it has: the rule is of all public CAs. Before the first
// date of a table its earliest rows count.
func (b *Book) MayMiss(host string, looks int, now time.Time) int {
	var table []Remote
	if ca, known := b.Find(host); known {
		table = ca.Remotes
	}
	for i := range b.CAs {
		if len(table) == 0 {
			table = b.CAs[i].Remotes
		}
	}
	if len(table) == 0 {
		return 0
	}
	since := func(r Remote) time.Time { return r.From.Time() }
	from := since(slices.MinFunc(table, func(x, y Remote) int { return since(x).Compare(since(y)) }))
	for _, r := range table {
		if !since(r).After(now) && since(r).After(from) {
			from = since(r)
		}
	}
	misses, row := 0, -1
	for _, r := range table {
		if since(r).Equal(from) && r.Looks <= looks && r.Looks > row {
			misses, row = r.Misses, r.Looks
		}
	}
	return misses
}

// Change is an announced change at a CA, with its day.
type Change struct {
	Date   Date              `yaml:"date"`
	Source string            `yaml:"source"`
	Text   map[string]string `yaml:"text"` // by language: lower-case first letter, no full stop
}

// Span returns how long an empty bucket takes to refill.
func (l Limit) Span() time.Duration { return time.Duration(l.Size) * time.Duration(l.Refill) }

// sparesRenewals reports whether a renewal, an order for exactly the names of
// an earlier certificate, spends no token.
func (l Limit) sparesRenewals() bool { return slices.Contains(l.Exempt, ByRenewal) }

// Find returns the CA that serves a directory's host, with or without its port;
// false: the book has none.
func (b *Book) Find(host string) (*CA, bool) {
	bare := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		bare = host[:i]
	}
	for i := range b.CAs {
		for _, glob := range b.CAs[i].Hosts {
			for _, h := range []string{host, bare} {
				// Brackets, as around an IPv6 host, have a special meaning for
				// Match.
				if ok, err := path.Match(strings.ToLower(glob), strings.ToLower(h)); ok && err == nil || strings.EqualFold(glob, h) {
					return &b.CAs[i], true
				}
			}
		}
	}
	return nil, false
}

// LimitsAt returns the limits with the numbers that are valid at a time.
func (ca *CA) LimitsAt(now time.Time) []Limit {
	var limits []Limit
	for _, l := range ca.Limits {
		if l.From.Time().After(now) {
			continue
		}
		i := slices.IndexFunc(limits, func(x Limit) bool { return x.Name == l.Name })
		switch {
		case i < 0:
			limits = append(limits, l)
		case !l.From.Time().Before(limits[i].From.Time()):
			limits[i] = l
		}
	}
	return limits
}

// Life returns the lifetimes of a profile at a time. An empty profile means the
// first of the list; false: the profile is not known.
func (ca *CA) Life(profile string, now time.Time) (Life, bool) {
	var best Life
	found := false
	for _, l := range ca.Lifetimes {
		if profile == "" {
			profile = l.Profile
		}
		if l.Profile == profile && !l.From.Time().After(now) && (!found || !l.From.Time().Before(best.From.Time())) {
			best, found = l, true
		}
	}
	return best, found
}

// Coming returns the changes between two times, soonest first.
func (ca *CA) Coming(from, to time.Time) []Change {
	var coming []Change
	for _, c := range ca.Changes {
		if c.Date.Time().After(from) && !c.Date.Time().After(to) {
			coming = append(coming, c)
		}
	}
	slices.SortStableFunc(coming, func(a, b Change) int { return a.Date.Time().Compare(b.Date.Time()) })
	return coming
}

//go:embed limits.yaml
var builtin []byte

// Text returns the built-in book as a file that an operator can edit.
func Text() string { return string(builtin) }

// Builtin returns the book that comes with the program.
func Builtin() (*Book, error) { return Read(builtin) }

// Load reads an operator's file. Its CAs come before those of the built-in
// book, so it needs only what is different.
func Load(file string) (*Book, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's limits: %w", err)
	}
	own, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	rest, err := Builtin()
	if err != nil {
		return nil, err
	}
	own.CAs = append(own.CAs, rest.CAs...)
	return own, nil
}

// Read reads a book. The error names the line of the first fault.
func Read(text []byte) (*Book, error) {
	book := &Book{}
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(book)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the CA's limits: the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the CA's limits: %w", inLine(err))
	}
	if err := book.check(); err != nil {
		return nil, fmt.Errorf("the CA's limits: %w", err)
	}
	return book, nil
}

// inLine adds the line of a parser's error, without its excerpt of the text.
func inLine(err error) error {
	var fault yaml.Error
	if errors.As(err, &fault) && fault.GetToken() != nil {
		return fmt.Errorf("line %d: %s", fault.GetToken().Position.Line, fault.GetMessage())
	}
	return err
}

// at returns an error at a node of the file.
func at(node ast.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{node.GetToken().Position.Line}, args...)...)
}

// Duration is a duration in the file: 36s, 33h36m, 120d.
type Duration time.Duration

// UnmarshalYAML reads Go's form, or whole days.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	text := node.GetToken().Value
	days, isDays := strings.CutSuffix(text, "d")
	parsed, err := time.ParseDuration(text)
	if isDays {
		var n int
		n, err = strconv.Atoi(days)
		parsed = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || parsed < 0 || parsed > 100*365*24*time.Hour {
		return at(node, "%q is no length of time: write 36s, 33h36m or 120d", text)
	}
	*d = Duration(parsed)
	return nil
}

// Date is a day; it begins at midnight UTC.
type Date time.Time

// Time returns the start of the day.
func (d Date) Time() time.Time { return time.Time(d) }

// UnmarshalYAML reads 2027-02-10.
func (d *Date) UnmarshalYAML(node ast.Node) error {
	t, err := time.Parse(time.DateOnly, node.GetToken().Value)
	if err != nil {
		return at(node, "%q is no day: write 2027-02-10", node.GetToken().Value)
	}
	*d = Date(t)
	return nil
}

// UnmarshalYAML reads one of the scopes.
func (s *Scope) UnmarshalYAML(node ast.Node) error {
	return word(node, s, Account, Domain, Set, Name)
}

// UnmarshalYAML reads one of the events.
func (e *Event) UnmarshalYAML(node ast.Node) error {
	return word(node, e, OrderMade, CertIssued, CheckFailed)
}

// UnmarshalYAML reads one of the exemptions.
func (e *Exemption) UnmarshalYAML(node ast.Node) error { return word(node, e, ByRenewal, ByARI) }

func word[T ~string](node ast.Node, to *T, known ...T) error {
	*to = T(node.GetToken().Value)
	if !slices.Contains(known, *to) {
		return at(node, "%q is not one of %v", *to, known)
	}
	return nil
}

// UnmarshalYAML reads a limit. A limit that the meter cannot count is an error.
func (l *Limit) UnmarshalYAML(node ast.Node) error {
	type plain Limit
	if err := yaml.NodeToValue(node, (*plain)(l), yaml.Strict()); err != nil {
		return inLine(err)
	}
	switch {
	case l.Name == "" || l.Scope == "" || l.Spent == "":
		return at(node, "a limit needs name, scope and spent")
	case l.Size < 1 || l.Refill <= 0:
		return at(node, "%s: size and refill must be above zero", l.Name)
	case l.Span() > 100*365*24*time.Hour:
		return at(node, "%s: its bucket would take a century to fill", l.Name)
	case l.Scope == Name && l.Spent != CheckFailed || l.Scope != Name && l.Spent == CheckFailed:
		return at(node, "%s: failures, and only they, are counted by name", l.Name)
	}
	return nil
}

// UnmarshalYAML reads a row of the table of remote looks.
func (r *Remote) UnmarshalYAML(node ast.Node) error {
	type plain Remote
	if err := yaml.NodeToValue(node, (*plain)(r), yaml.Strict()); err != nil {
		return inLine(err)
	}
	if r.Looks < 0 || r.Misses < 0 || r.Misses > r.Looks {
		return at(node, "of %d looks %d may not miss", r.Looks, r.Misses)
	}
	return nil
}

// UnmarshalYAML reads a change. One without a date or an English text is an
// error.
func (c *Change) UnmarshalYAML(node ast.Node) error {
	type plain Change
	if err := yaml.NodeToValue(node, (*plain)(c), yaml.Strict()); err != nil {
		return inLine(err)
	}
	if c.Date.Time().IsZero() || c.Text["en"] == "" {
		return at(node, "a change needs its date, and a text at least in en")
	}
	return nil
}

// check finds faults that involve more than one value.
func (b *Book) check() error {
	if len(b.CAs) == 0 {
		return errors.New("no CA is in it")
	}
	for i, ca := range b.CAs {
		if ca.Name == "" || len(ca.Hosts) == 0 {
			return fmt.Errorf("CA %d needs a name and its hosts", i+1)
		}
	}
	return nil
}
