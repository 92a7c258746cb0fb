// House prints the size and the inner order of every package of a checkout:
//
//	go run ./.ci/house [DIRECTORY]
//
// It is a mirror, not a limit: nothing fails over a number.
//
// The columns, all without tests:
//
//	files     Go files
//	lines     their lines, comments and blank ones included
//	exported  exported names of the package, and exported methods of its
//	          exported types
//	methods   methods of the type that has most of them, and its name
//	calls     references from a file to a function, method, type, variable or
//	          constant that another file of the package declares
//	arrows    ordered pairs of files with at least one such call
//	up        calls that run up
//
// Up is defined by the order of files that suits the package best. The files
// of a package are the vertices of a graph whose edges are weighted with the
// number of calls. They are put in a row by the heuristic of Eades, Lin and
// Smyth (1993): files that nobody calls go to the front, files that call
// nobody to the back, and of the others the one whose calls out outnumber its
// calls in by most goes to the front next. Then single files are moved while
// that makes the sum smaller. A call from a later file to an earlier one runs
// up. A package whose files form layers has none; what is left are circles.
//
// The last lines are sums. Product is everything but the labs, the packages
// named lab and those below them, and enginetest, which only tests and the demo
// import. Golden
// files are the tracked files below a folder named testdata.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(os.Stdout, dir); err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string) error {
	listed, err := list(dir)
	if err != nil {
		return err
	}
	exports := map[string]string{}
	for _, p := range listed {
		exports[p.ImportPath] = p.Export
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "package\tfiles\tlines\texported\tmethods\tcalls\tarrows\tup\t type")
	var all sums
	for _, p := range listed {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		m, err := measure(p, exports)
		if err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		all.add(m)
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t %s\n", m.name, m.files, m.lines, m.exported, m.methods, m.calls, m.arrows, m.up, m.largest)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return all.print(w, dir)
}

// pkg is what go list says about a package.
type pkg struct {
	Dir, ImportPath, Export            string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Module                             *struct {
		Path string
		Main bool
	}
}

// list compiles the packages in dir and returns them with all they import.
func list(dir string) ([]pkg, error) {
	out, err := output(dir, "go", "list", "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles,TestGoFiles,XTestGoFiles,Module", "./...")
	if err != nil {
		return nil, err
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return all, nil
}

func output(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd.Output()
}

// figures of one package.
type figures struct {
	name, largest                        string
	files, lines, tests                  int
	exported, methods, calls, arrows, up int
	lab                                  bool
}

func measure(p pkg, exports map[string]string) (figures, error) {
	m := figures{name: strings.TrimPrefix(p.ImportPath, p.Module.Path+"/"), files: len(p.GoFiles)}
	parts := strings.Split(m.name, "/")
	m.lab = slices.Contains(parts, "lab") || slices.Contains(parts, "enginetest")
	var err error
	if m.lines, err = lines(p.Dir, p.GoFiles); err != nil {
		return m, err
	}
	if m.tests, err = lines(p.Dir, slices.Concat(p.TestGoFiles, p.XTestGoFiles)); err != nil {
		return m, err
	}
	set := token.NewFileSet()
	files := make([]*ast.File, len(p.GoFiles))
	for i, name := range p.GoFiles {
		if files[i], err = parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution); err != nil {
			return m, err
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	conf := types.Config{Importer: importer.ForCompiler(set, "gc", lookup)}
	checked, err := conf.Check(p.ImportPath, set, files, info)
	if err != nil {
		return m, err
	}
	m.names(checked.Scope())
	g := graph(set, files, info, checked)
	m.calls, m.arrows = g.total(), g.pairs()
	m.up = g.up(g.order())
	return m, nil
}

func lines(dir string, names []string) (int, error) {
	n := 0
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return 0, err
		}
		n += bytes.Count(data, []byte("\n"))
	}
	return n, nil
}

// names counts what the package exports, and the methods of its types.
func (m *figures) names(scope *types.Scope) {
	for _, name := range scope.Names() {
		if token.IsExported(name) {
			m.exported++
		}
		object, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || object.IsAlias() {
			continue
		}
		named, ok := object.Type().(*types.Named)
		if !ok {
			continue
		}
		if named.NumMethods() > m.methods {
			m.methods, m.largest = named.NumMethods(), name
		}
		for method := range named.Methods() {
			if token.IsExported(name) && method.Exported() {
				m.exported++
			}
		}
	}
}

// calls[a][b] is how often file a refers to a declaration of file b.
type calls [][]int

func graph(set *token.FileSet, files []*ast.File, info *types.Info, own *types.Package) calls {
	g := make(calls, len(files))
	number := map[string]int{}
	for i, f := range files {
		g[i] = make([]int, len(files))
		number[set.File(f.Package).Name()] = i
	}
	for use, object := range info.Uses {
		if object.Pkg() != own || !declared(object, own) {
			continue
		}
		a, b := number[set.File(use.Pos()).Name()], number[set.File(object.Pos()).Name()]
		if a != b {
			g[a][b]++
		}
	}
	return g
}

// declared reports whether an object is a method or stands at the top level
// of the package; fields, parameters and local names are not counted.
func declared(object types.Object, own *types.Package) bool {
	f, ok := object.(*types.Func)
	return ok && f.Signature().Recv() != nil || object.Parent() == own.Scope()
}

func (g calls) total() int {
	n := 0
	for _, row := range g {
		for _, c := range row {
			n += c
		}
	}
	return n
}

func (g calls) pairs() int {
	n := 0
	for _, row := range g {
		for _, c := range row {
			if c > 0 {
				n++
			}
		}
	}
	return n
}

// up is the number of calls from a later file to an earlier one.
func (g calls) up(order []int) int {
	n := 0
	for i, early := range order {
		for _, late := range order[i+1:] {
			n += g[late][early]
		}
	}
	return n
}

// order puts the files in a row with few calls that run up.
func (g calls) order() []int {
	left := make([]int, len(g))
	for i := range left {
		left[i] = i
	}
	var front, back []int
	for len(left) > 0 {
		i, last := g.next(left)
		if last {
			back = append(back, left[i])
		} else {
			front = append(front, left[i])
		}
		left = slices.Delete(left, i, i+1)
	}
	slices.Reverse(back)
	return g.improve(slices.Concat(front, back))
}

// next chooses one of the files that are left, and whether it goes to the
// back.
func (g calls) next(left []int) (int, bool) {
	best, surplus := 0, 0
	for i, a := range left {
		out, in := 0, 0
		for _, b := range left {
			out += g[a][b]
			in += g[b][a]
		}
		if out == 0 {
			return i, true
		}
		if in == 0 {
			return i, false
		}
		if i == 0 || out-in > surplus {
			best, surplus = i, out-in
		}
	}
	return best, false
}

// improve moves single files while fewer calls run up.
func (g calls) improve(order []int) []int {
	for least := g.up(order); ; {
		better := false
		for from := range order {
			for to := range order {
				moved := slices.Insert(slices.Delete(slices.Clone(order), from, from+1), to, order[from])
				if n := g.up(moved); n < least {
					order, least, better = moved, n, true
				}
			}
		}
		if !better {
			return order
		}
	}
}

// sums over all packages.
type sums struct{ packages, files, product, labs, tests int }

func (s *sums) add(m figures) {
	s.packages++
	s.files += m.files
	s.tests += m.tests
	if m.lab {
		s.labs += m.lines
	} else {
		s.product += m.lines
	}
}

func (s *sums) print(w io.Writer, dir string) error {
	out, err := output(dir, "git", "ls-files")
	if err != nil {
		return err
	}
	tracked := strings.Fields(string(out))
	golden := 0
	for _, name := range tracked {
		if slices.Contains(strings.Split(name, "/"), "testdata") {
			golden++
		}
	}
	_, err = fmt.Fprintf(w, "\n%d packages, %d files, %d product lines, %d lines of labs, %d test lines, %d golden files, %d tracked files\n",
		s.packages, s.files, s.product, s.labs, s.tests, golden, len(tracked))
	return err
}
