package budget

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

//go:embed limits.yaml
var builtin []byte

// Text is the built-in book as a file, to begin one's own from.
func Text() string { return string(builtin) }

// Builtin is the book that came with the program.
func Builtin() (*Book, error) { return Read(builtin) }

// Load reads an operator's file and puts it before the built-in book, so that
// it need hold only what is different.
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

// inLine says where the parser met a fault, without its picture of the text.
func inLine(err error) error {
	var fault yaml.Error
	if errors.As(err, &fault) && fault.GetToken() != nil {
		return fmt.Errorf("line %d: %s", fault.GetToken().Position.Line, fault.GetMessage())
	}
	return err
}

// at is a fault of our own.
func at(node ast.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{node.GetToken().Position.Line}, args...)...)
}

// Duration is a length of time: 36s, 33h36m, 120d.
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

// Time is the day's beginning.
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

// UnmarshalYAML reads a limit, and refuses one that cannot be counted.
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

// UnmarshalYAML reads a change, and refuses one that could not be told.
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

// check finds what no single value shows.
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
