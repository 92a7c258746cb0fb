package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"domovoy/i18n"
)

// Fault is one fault of the file. Its texts are in the catalogs. It contains no
// secret and no line of the file.
type Fault struct {
	File   string
	Line   int            // from 1; 0 if the fault concerns the whole file
	Column int            // from 1, in characters; 0 if Line is 0
	Path   string         // such as panels[0].database; may be empty
	Key    string         // catalog key of the problem
	Hint   string         // catalog key of the hint; may be empty
	Args   map[string]any // of both texts
}

// Faults are the faults of a file in the order of its lines.
type Faults []Fault

// Error lists places and catalog keys, for logs and tests. Render is for people.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.place() + one.Key
	}
	return strings.Join(lines, "\n")
}

// place returns the beginning of a line, "config.yaml:12:3: panels[0].name: ".
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

// problem is a fault without a place.
type problem struct {
	key, hint string
	args      map[string]any
	runOnly   bool // left to CheckRun
}

// wrong returns a problem by the last part of its catalog keys: wrong("count") has
// the text config.count and the hint config.hint.count.
func wrong(name string, args map[string]any) *problem {
	return &problem{key: "config." + name, hint: "config.hint." + name, args: args}
}

// withHint replaces the hint.
func (p *problem) withHint(name string) *problem {
	p.hint = "config.hint." + name
	return p
}

// forRun leaves the problem to CheckRun.
func (p *problem) forRun() *problem {
	p.runOnly = true
	return p
}

// at returns the problem as a fault; the zero place is the whole file.
func (p *problem) at(file string, where place, path string) Fault {
	return Fault{File: file, Line: where.line, Column: where.column, Path: path, Key: p.key, Hint: p.hint, Args: p.args}
}

// printable returns a value as a message may contain it: short, without control
// characters, and masked if it looks like a secret.
func printable(raw string) string {
	if secretLike.MatchString(raw) {
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

// Render returns a line for each fault in the language of l:
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

// unknown is the problem of an unknown key; it suggests a similar one.
func unknown(key string, known []string) *problem {
	args := map[string]any{"Name": printable(key), "Known": known}
	if near := similar(key, known); near != "" {
		args["Near"] = near
		return wrong("unknown", args).withHint("similar")
	}
	return wrong("unknown", args)
}

// similar returns the known word that was probably meant: the nearest one, if at
// most a third of the letters differ, else "".
func similar(word string, known []string) string {
	best, nearest := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < nearest {
			best, nearest = k, d
		}
	}
	return best
}

// distance is the optimal string alignment distance in bytes: insertions,
// deletions, replacements and swaps of neighbours. It is not computed for words
// that are longer than any key.
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
