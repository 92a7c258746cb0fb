package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryProblemHasItsTexts finds the names in wrong("…") and try("…"), and
// those put together from the field table.
func TestEveryProblemHasItsTexts(t *testing.T) {
	said := map[string]bool{"config.trying": true, "config.file.empty": true, "config.hint.file.empty": true}
	problem := func(name string) { said["config."+name], said["config.hint."+name] = true, true }
	for call, names := range calls(t) {
		for name := range names {
			switch {
			case call == "try":
				said["config.hint."+name] = true
			case name == "large" || name == "text": // always tried with another
				said["config."+name] = true
			default:
				problem(name)
			}
		}
	}
	for _, shape := range []string{"telegram", "slackbot", "slackapp"} {
		problem("secret." + shape)
	}
	for _, name := range []string{"truth", "count"} { // the other kinds name themselves
		problem(name)
	}
	for _, message := range []string{"quoted text", "'\t'", "must be specified", "reserved character", "mapping value is not allowed", "value is not allowed", "?"} {
		problem("syntax." + stumble(message))
	}
	for _, language := range []string{"en", "ru"} {
		l := locale(t, language)
		for key := range said {
			if !l.Has(key) {
				t.Errorf("i18n/%s.toml has no %s", language, key)
			}
		}
	}
}

// calls collects the literal first arguments of wrong and try.
func calls(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{"wrong": {}, "try": {}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if text := called(call.Fun); ok && found[text] != nil {
				if value, err := strconv.Unquote(literal.Value); err == nil && !strings.HasSuffix(value, ".") {
					found[text][value] = true
				}
			}
			return true
		})
	}
	return found
}

func called(function ast.Expr) string {
	switch f := function.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
