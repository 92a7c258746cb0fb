package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"domovoy/i18n"
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

// Render says the faults to a person, a line each:
// config.yaml:12:3: panels[0].database: …. Hint: ….
func (f Faults) Render(l *i18n.Locale) []string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.place() + l.Say(one.Key, i18n.Args(one.Args))
		if one.Hint != "" {
			hint := l.Say(one.Hint, i18n.Args(one.Args))
			lines[i] += " " + l.Say("config.trying", i18n.Args{"Hint": hint})
		}
	}
	return lines
}

// unknown is a key that is not one, with the one that was probably meant.
func unknown(key string, known []string) *problem {
	args := map[string]any{"Name": shown(key), "Known": known}
	if near := similar(key, known); near != "" {
		args["Near"] = near
		return wrong("unknown", args).try("similar")
	}
	return wrong("unknown", args)
}

// similar finds the word that was probably meant: the nearest one within a
// third of the length, "" where there is none.
func similar(word string, known []string) string {
	best, nearest := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < nearest {
			best, nearest = k, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment). Both words are short: keys of a file.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
