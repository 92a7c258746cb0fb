package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// The scan must fail on a typo in either direction: here is what it sees.
func TestScan(t *testing.T) {
	keys := []string{"a.one", "a.two", "code.x.title", "code.x.next", "help.check"}
	tests := []struct {
		name, body      string
		missing, unused []string
	}{
		{
			name:   "literals",
			body:   `func f(l L) { l.Say("a.one"); l.Count("a.tow", 2) }`,
			unused: []string{"a.two", "code.x.title", "code.x.next", "help.check"}, missing: []string{"a.tow"},
		}, {
			name:   "a sum is as exact as it can be",
			body:   `func f(l L, c string) { l.Say("code." + c + ".title"); l.Say("code." + c + ".nxet") }`,
			unused: []string{"a.one", "a.two", "code.x.next", "help.check"}, missing: []string{"code.….nxet"},
		}, {
			name:   "a format is a sum",
			body:   `func f(l L, c string) { l.Say(fmt.Sprintf("code.%s.next", c)); l.Say(fmt.Sprintf("cod.%s.next", c)) }`,
			unused: []string{"a.one", "a.two", "code.x.title", "help.check"}, missing: []string{"cod.….next"},
		}, {
			name:   "a literal that ends in a dot stands for all",
			body:   `const section = "a."; func f(l L, c string) { l.Say(section + c) }`,
			unused: []string{"code.x.title", "code.x.next", "help.check"},
		}, {
			name:   "a literal anywhere is a use",
			body:   `var list = []command{{help: "help.check"}}; func f(l L, c command) { l.Say(c.help) }`,
			unused: []string{"a.one", "a.two", "code.x.title", "code.x.next"},
		}, {
			name: "helpers are followed",
			body: `func (r *R) line(l L, n int, key string) { l.Say(key) }
				func (r *R) twice(key string) { r.line(nil, 0, key) }
				func f(r *R) { r.line(nil, 1, "a.tow"); r.twice("a.oen") }`,
			unused: keys, missing: []string{"a.oen", "a.tow"},
		}, {
			name:   "local names of Say are followed",
			body:   `func f(l L) { say := l.Say; say("a.oen"); loud := func(k string) { l.Say(k) }; loud("a.tow") }`,
			unused: keys, missing: []string{"a.oen", "a.tow"},
		}, {
			name:   "other counts are none of ours",
			body:   `func f() { strings.Count("b.b", "."); db.Count("SELECT 1") }`,
			unused: keys,
		}, {
			name:   "a sum inside a sum",
			body:   `func f(l L, c string) { print("- " + l.Say("a."+"one") + ": " + l.Say("a."+"tow")) }`,
			unused: []string{"a.two", "code.x.title", "code.x.next", "help.check"}, missing: []string{"a.tow"},
		},
	}
	messages := map[string]*goi18n.Message{}
	for _, key := range keys {
		messages[key] = &goi18n.Message{ID: key}
	}
	bundle := &Bundle{catalogs: map[string]*catalog{"en": {language: "en", messages: messages}}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, "p/x.go", "package p\nimport (\"strings\"; \"fmt\")\n"+tt.body, 0)
			if err != nil {
				t.Fatal(err)
			}
			found := scanFiles(fset, map[string]*ast.File{"p/x.go": file})
			sameMentions(t, "missing", missingKeys(bundle, found), tt.missing)
			sameMentions(t, "unused", orphans(bundle, found), tt.unused)
		})
	}
}

// sameMentions wants one line about each key, and no other.
func sameMentions(t *testing.T, what string, lines, keys []string) {
	t.Helper()
	if len(lines) != len(keys) {
		t.Errorf("%s: %q, want one line about each of %q", what, lines, keys)
		return
	}
	for _, key := range keys {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, " "+key) }) {
			t.Errorf("%s: no line about %s in %q", what, key, lines)
		}
	}
}
