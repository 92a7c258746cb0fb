package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pattern is a key that is built from parts, such as "code." + code + ".title". An exact
// pattern is a whole key, which is its prefix.
type pattern struct {
	prefix, suffix string
	exact          bool
}

func (p pattern) matches(key string) bool {
	if p.exact {
		return key == p.prefix
	}
	return len(key) > len(p.prefix)+len(p.suffix) && strings.HasPrefix(key, p.prefix) && strings.HasSuffix(key, p.suffix)
}

func (p pattern) String() string {
	if p.exact {
		return p.prefix
	}
	return p.prefix + "…" + p.suffix
}

// keyUse is a key passed to Say, to Count, or to a function that passes its argument
// to them.
type keyUse struct {
	at token.Position
	pattern
}

// scan is the result of scanFiles: how the Go files of the module use keys.
type scan struct {
	fset     *token.FileSet
	required []keyUse        // keys that must exist
	used     []pattern       // keys that may be meant: all literals, and all sums of them
	spoken   map[string]int  // by function: which argument is a key; see name
	grown    bool            // spoken has grown in this round
	codes    map[string]bool // constants of type Code
	whos     map[string]bool // constants of type Who
}

// scanFiles scans files, by their paths in the module. It follows calls of helpers
// within a package.
func scanFiles(fset *token.FileSet, files map[string]*ast.File) *scan {
	s := &scan{fset: fset, spoken: map[string]int{}, grown: true, codes: map[string]bool{}, whos: map[string]bool{}}
	for s.grown { // a helper may speak through another one
		s.grown = false
		for path, file := range files {
			s.findHelpers(filepath.Dir(path), file)
		}
	}
	for path, file := range files {
		s.findKeys(filepath.Dir(path), file)
	}
	return s
}

// keyArgument returns the argument of a call that is a key, or nil.
func (s *scan) keyArgument(dir string, file *ast.File, call *ast.CallExpr) ast.Expr {
	index, ok := 0, false
	switch f := call.Fun.(type) {
	case *ast.Ident:
		index, ok = s.spoken[dir+"."+f.Name]
	case *ast.SelectorExpr:
		if x, isIdent := f.X.(*ast.Ident); isIdent && imports(file, x.Name) {
			return nil // strings.Count
		}
		index, ok = s.spoken[dir+"."+f.Sel.Name]
		ok = ok || isSpeech(f)
	}
	if !ok || index >= len(call.Args) {
		return nil
	}
	return call.Args[index]
}

func isSpeech(f *ast.SelectorExpr) bool { return f.Sel.Name == "Say" || f.Sel.Name == "Count" }

// imports reports whether a file imports a package under this name.
func imports(file *ast.File, name string) bool {
	return slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		if spec.Name != nil {
			return spec.Name.Name == name
		}
		path, _ := strconv.Unquote(spec.Path.Value)
		return path[strings.LastIndex(path, "/")+1:] == name
	})
}

// findHelpers finds the functions that pass an argument on as a key, and the
// variables for the methods themselves: say := l.Say.
func (s *scan) findHelpers(dir string, file *ast.File) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			s.findHelper(dir, file, n.Name.Name, n.Type, n.Body)
		case *ast.AssignStmt:
			for i, right := range n.Rhs {
				name, ok := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident)
				if !ok {
					continue
				}
				switch r := right.(type) {
				case *ast.FuncLit:
					s.findHelper(dir, file, name.Name, r.Type, r.Body)
				case *ast.SelectorExpr:
					if isSpeech(r) {
						s.speaks(dir, name.Name, 0)
					}
				}
			}
		}
		return true
	})
}

func (s *scan) findHelper(dir string, file *ast.File, name string, signature *ast.FuncType, body *ast.BlockStmt) {
	var params []string
	for _, field := range signature.Params.List {
		for _, param := range field.Names {
			params = append(params, param.Name)
		}
	}
	if body == nil {
		return
	}
	ast.Inspect(body, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok {
			if key, ok := s.keyArgument(dir, file, call).(*ast.Ident); ok {
				s.speaks(dir, name, slices.Index(params, key.Name))
			}
		}
		return true
	})
}

func (s *scan) speaks(dir, name string, index int) {
	id := dir + "." + name
	if _, known := s.spoken[id]; index >= 0 && !known {
		s.spoken[id], s.grown = index, true
	}
}

// findKeys collects the keys that a file uses, its literals, and its codes.
func (s *scan) findKeys(dir string, file *ast.File) {
	inside := map[ast.Node]bool{} // what is already read as a part of a sum
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			if key := s.keyArgument(dir, file, n); key != nil {
				if p := patternOf(key); p.exact || p.prefix != "" {
					s.required = append(s.required, keyUse{s.fset.Position(n.Pos()), p})
				}
			}
		case *ast.ValueSpec:
			s.findConstants(n)
		case *ast.BinaryExpr:
			if !inside[n] {
				s.uses(patternOf(n))
				markParts(n, inside)
			}
		case *ast.BasicLit:
			if !inside[n] {
				s.uses(patternOf(n))
			}
		}
		return true
	})
}

// uses adds a key that the code may use. A literal that ends in a dot is the beginning
// of keys.
func (s *scan) uses(p pattern) {
	if p.exact && strings.HasSuffix(p.prefix, ".") {
		p.exact = false
	}
	if p.exact || strings.HasSuffix(p.prefix, ".") {
		s.used = append(s.used, p)
	}
}

func markParts(expr ast.Expr, inside map[ast.Node]bool) {
	inside[expr] = true
	if sum, ok := expr.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		markParts(sum.X, inside)
		markParts(sum.Y, inside)
	}
}

func (s *scan) findConstants(n *ast.ValueSpec) {
	kind, ok := n.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range n.Values {
		switch p := patternOf(value); {
		case p.exact && kind.Name == "Code":
			s.codes[p.prefix] = true
		case p.exact && kind.Name == "Who":
			s.whos[p.prefix] = true
		}
	}
}

// patternOf returns the pattern of a literal, a sum that begins with one, or a format.
// It is zero for any other expression.
func patternOf(expr ast.Expr) pattern {
	switch e := expr.(type) {
	case *ast.ParenExpr:
		return patternOf(e.X)
	case *ast.BasicLit:
		value, err := strconv.Unquote(e.Value)
		if e.Kind != token.STRING || err != nil {
			return pattern{}
		}
		if first, last := strings.Index(value, "%"), strings.LastIndex(value, "%"); first >= 0 && last+2 <= len(value) {
			return pattern{prefix: value[:first], suffix: value[last+2:]}
		}
		return pattern{prefix: value, exact: true}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return patternOf(e.Args[0])
		}
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return pattern{}
		}
		left, right := patternOf(e.X), patternOf(e.Y)
		switch {
		case left.exact && right.exact:
			return pattern{prefix: left.prefix + right.prefix, exact: true}
		case left.exact:
			return pattern{prefix: left.prefix + right.prefix, suffix: right.suffix}
		case right.exact:
			return pattern{prefix: left.prefix, suffix: left.suffix + right.prefix}
		}
		return pattern{prefix: left.prefix, suffix: right.suffix}
	}
	return pattern{}
}

// The scan must find a typo in the code as well as in a catalog.
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
	messages := map[string]*entry{}
	for _, key := range keys {
		messages[key] = &entry{}
	}
	bundle := &Bundle{catalogs: map[string]func() *catalog{"en": func() *catalog { return &catalog{language: "en", messages: messages} }}}
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

// sameMentions checks that there is one line about each key, and no other.
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
