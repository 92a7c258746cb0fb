package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCodeAndCatalogsAgree scans the Go files of the whole module. It finds a key in a
// variable by its literal anywhere in the code; a key that is built from parts must
// begin with a literal that ends in a dot.
func TestCodeAndCatalogsAgree(t *testing.T) {
	bundle, found := load(t), module(t)

	t.Run("every used key exists", func(t *testing.T) {
		for _, missing := range missingKeys(bundle, found) {
			t.Error(missing)
		}
	})
	t.Run("every code has its texts", func(t *testing.T) {
		if len(found.codes) == 0 || len(found.whos) == 0 {
			t.Fatal("no constants of the types Code and Who in the module")
		}
		for _, missing := range missingTexts(bundle, found) {
			t.Error(missing)
		}
	})
	t.Run("every key is used", func(t *testing.T) {
		for _, orphan := range orphans(bundle, found) {
			t.Error(orphan)
		}
	})
}

// missingKeys lists the keys in the code without a text.
func missingKeys(b *Bundle, found *scan) []string {
	var missing []string
	for _, language := range b.Languages() {
		keys := b.catalogs[language]().keys()
		for _, s := range found.required {
			if !strings.Contains(s.prefix, " ") && !slices.ContainsFunc(keys, s.matches) {
				missing = append(missing, s.at.String()+": says "+s.String()+", which is not in i18n/"+language+".toml")
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// missingTexts lists the codes without a text and the texts without a code.
func missingTexts(b *Bundle, found *scan) []string {
	wanted := map[string]bool{}
	for code := range found.codes {
		for _, text := range []string{".title", ".explain", ".next"} {
			wanted["code."+code+text] = true
		}
	}
	for who := range found.whos {
		wanted["who."+who] = true
	}
	var wrong []string
	for _, language := range b.Languages() {
		messages := b.catalogs[language]().messages
		for key := range wanted {
			if messages[key] == nil {
				wrong = append(wrong, "i18n/"+language+".toml: key "+key+" is missing")
			}
		}
		for key := range messages {
			if about, ok := strings.CutSuffix(key, ".general"); ok && wanted[about+".explain"] {
				continue // what "help CODE" says in place of an explanation that needs a site's figures
			}
			if (strings.HasPrefix(key, "code.") || strings.HasPrefix(key, "who.")) && !wanted[key] {
				wrong = append(wrong, "i18n/"+language+".toml: key "+key+" belongs to no constant of checks")
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// orphans lists the keys that no literal of the code can refer to.
func orphans(b *Bundle, found *scan) []string {
	var unused []string
	for _, language := range b.Languages() {
		for _, key := range b.catalogs[language]().keys() {
			if !slices.ContainsFunc(found.used, func(p pattern) bool { return p.matches(key) }) {
				unused = append(unused, "i18n/"+language+".toml: key "+key+" is used by nobody")
			}
		}
	}
	return unused
}

// module parses every Go file of the module except tests.
func module(t *testing.T) *scan {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above this package")
		}
		root = filepath.Dir(root)
	}
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (name == "testdata" || name == "lab" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[relative], err = parser.ParseFile(fset, relative, source, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return scanFiles(fset, files)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
