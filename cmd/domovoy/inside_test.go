package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// No test connects to another machine. A configuration without resolvers uses
// the system's, and one without a directory connects to Let's Encrypt: so every
// configuration that a test, a script or a benchmark runs must have both.
func TestTestsStayInside(t *testing.T) {
	seen := 0
	for where, text := range configurations(t) {
		seen++
		switch {
		case !strings.Contains(text, "resolvers:"):
			t.Errorf("%s: a configuration without resolvers asks the system's: write resolvers: [], or those of a lab", where)
		case !strings.Contains(text, "directory:") && !strings.Contains(text, "/usr/local/mgr5/"): // it is only checked, not run
			t.Errorf("%s: a configuration without acme.directory goes to Let's Encrypt: name that of a lab", where)
		}
	}
	if seen < 10 {
		t.Errorf("only %d configurations were found", seen)
	}
}

// panelsInYAML matches the configuration of a program to run.
var panelsInYAML = regexp.MustCompile(`(?m)^\s*panels:(.|\n)*database:`)

// configurations returns those of all tests and benchmarks, by their place.
// Configurations of cmd/internal/config's tests are read but never run.
func configurations(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := filepath.Join("..", "..")
	note := func(where, text string) {
		if panelsInYAML.MatchString(text) {
			found[where] = text
		}
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || strings.HasSuffix(filepath.ToSlash(path), "cmd/internal/config")):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		case strings.HasSuffix(path, "_test.go"):
			return literals(path, note)
		case strings.HasSuffix(path, ".txtar"):
			archive, err := txtar.ParseFile(path)
			if err != nil {
				return err
			}
			for _, f := range archive.Files {
				note(path+": "+f.Name, string(f.Data))
			}
		case strings.Contains(filepath.ToSlash(path), "/.ci/bench/"):
			text, err := os.ReadFile(path)
			note(path, string(text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// literals calls note with the string literals of a Go file.
func literals(path string, note func(where, text string)) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, _ := strconv.Unquote(l.Value) // the parser accepted it
			note(files.Position(l.Pos()).String(), text)
		}
		return true
	})
	return nil
}
