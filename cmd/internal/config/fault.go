package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong in the file, as keys of the catalog. It carries no
// secret and no line of the source.
type Fault struct {
	File   string
	Line   int    // from 1; 0 when the fault is of the whole file
	Column int    // from 1, in characters; 0 as Line
	Path   string // panels[0].database; may be empty
	Key    string // what is wrong
	Hint   string // what to try; may be empty
	Args   map[string]any
}

// Faults are all that is wrong, in the order of the lines.
type Faults []Fault

// Error lists places and keys; people are shown Render.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.place() + one.Key
	}
	return strings.Join(lines, "\n")
}

// place is "config.yaml:12:3: panels[0].name: ".
func (f Fault) place() string {
	place := f.File + ": "
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	}
	if f.Path != "" {
		place += f.Path + ": "
	}
	return place
}

func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// problem is a fault that does not know its place yet.
type problem struct {
	key, hint string
	args      map[string]any
	later     bool // stops run alone
}

// wrong names a problem by the last part of its keys: wrong("count") says
// config.count and tries config.hint.count.
func wrong(name string, args map[string]any) *problem {
	return &problem{key: "config." + name, hint: "config.hint." + name, args: args}
}

// try replaces the hint.
func (p *problem) try(name string) *problem {
	p.hint = "config.hint." + name
	return p
}

// postpone leaves the problem to CheckRun.
func (p *problem) postpone() *problem {
	p.later = true
	return p
}

// shown is a value fit for a message: short, printable, no secret.
func shown(raw string) string {
	if looksSecret(raw) {
		return masked
	}
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, raw)
	if runes := []rune(clean); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return clean
}
