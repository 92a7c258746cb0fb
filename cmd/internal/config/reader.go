package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Env looks a variable of the environment up, as os.LookupEnv does.
type Env func(name string) (string, bool)

// reader binds the nodes of a file to the fields of a Config and goes on
// after each fault.
type reader struct {
	file   string
	env    Env
	faults Faults
	later  Faults
	places map[string]place // of every value in the file, by its path
}

// fault notes what is wrong at a path; where that is not in the file, at the
// nearest section around it.
func (r *reader) fault(path string, p *problem) { r.faults = append(r.faults, r.at(path, p)) }

func (r *reader) at(path string, p *problem) Fault {
	where, ok := r.places[path]
	for around := path; !ok && around != ""; where, ok = r.places[around] {
		around = parent(around)
	}
	return Fault{
		File: r.file, Line: where.line, Column: where.column,
		Path: path, Key: p.key, Hint: p.hint, Args: p.args,
	}
}

// section reads a mapping. A nil node is a section that the file leaves out:
// its defaults count all the same.
func (r *reader) section(n ast.Node, path string, into reflect.Value) {
	fields := fieldsOf(into.Type())
	given, ok := r.entries(n, path, fields)
	for _, f := range fields {
		f.need = f.need && ok // what is no section lacks no key either
		r.field(f, given, path, into.FieldByIndex(f.index))
	}
}

func (r *reader) field(f field, given map[string]ast.Node, path string, into reflect.Value) {
	n, at := given[f.key], join(path, f.key)
	switch {
	case f.is == "secret":
		r.secret(f, given, path, into)
	case f.section():
		r.section(n, at, into)
	case n == nil && f.need:
		r.fault(at, wrong("needed", map[string]any{"Key": f.key}))
	case f.list():
		r.list(f, n, at, into)
	case n == nil:
		fill(f, into)
	case f.table():
		r.table(f, n, at, into)
	default:
		r.scalar(f, n, at, into)
	}
}

// list reads a sequence of sections or of scalars.
func (r *reader) list(f field, n ast.Node, path string, into reflect.Value) {
	if n == nil {
		fill(f, into)
		return
	}
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		p := wrong("list", map[string]any{"Key": f.key})
		if f.is == "" {
			p = p.try("list.sections")
		}
		r.fault(path, p)
		return
	}
	if len(items.Values) == 0 && f.need {
		r.fault(path, wrong("needed", map[string]any{"Key": f.key}))
	}
	all := reflect.MakeSlice(f.typ, len(items.Values), len(items.Values))
	for i, item := range items.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = placeOf(start(item))
		switch {
		case f.is == "":
			r.section(item, at, all.Index(i))
		case blank(item):
			r.fault(at, wrong("blank", nil))
		default:
			r.scalar(f, item, at, all.Index(i))
		}
	}
	into.Set(all)
}

// entries gives the nodes of a section by key, without those left blank; ok
// is false for what is no section at all.
func (r *reader) entries(n ast.Node, path string, fields []field) (given map[string]ast.Node, ok bool) {
	given = map[string]ast.Node{}
	own := fields[0].keys()
	pairs, p := pairsOf(n, own[len(own)-1])
	if p != nil {
		r.fault(path, p)
		return given, false
	}
	seen := map[string]bool{}
	for _, v := range pairs {
		r.entry(v, path, keysOf(fields), seen, given)
	}
	return given, true
}

// entry sorts one key of a section.
func (r *reader) entry(v *ast.MappingValueNode, path string, known []string, seen map[string]bool, given map[string]ast.Node) {
	key := v.Key.GetToken().Value
	at, stands := join(path, shown(key)), placeOf(v.Key.GetToken())
	note := func(p *problem) {
		r.faults = append(r.faults, Fault{
			File: r.file, Line: stands.line, Column: stands.column,
			Path: at, Key: p.key, Hint: p.hint, Args: p.args,
		})
	}
	switch {
	case odd(v.Key):
		note(wrong("anchor", nil))
		return
	case !slices.Contains(known, key):
		note(unknown(key, known))
		return
	case seen[key]:
		note(wrong("twice", map[string]any{"Key": key, "Line": r.places[at].line}))
		return
	}
	seen[key] = true
	stands.blank = true
	r.places[at] = stands
	if !blank(v.Value) {
		r.places[at] = placeOf(start(v.Value))
		given[key] = v.Value
	}
}

// table reads a section whose keys are top-level domains, not ours to name.
func (r *reader) table(f field, n ast.Node, path string, into reflect.Value) {
	pairs, p := pairsOf(n, f.sample)
	if p != nil {
		r.fault(path, p)
		return
	}
	all, seen := reflect.MakeMap(f.typ), map[string]int{}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		at, stands := join(path, shown(key)), placeOf(pair.Key.GetToken())
		r.places[at] = stands
		name, p := readTLD(key)
		switch {
		case odd(pair.Key):
			p = wrong("anchor", nil)
		case p == nil && seen[name] != 0: // RU is ru, and рф is xn--p1ai
			p = wrong("twice", map[string]any{"Key": shown(key), "Line": seen[name]})
		}
		if p != nil {
			r.fault(at, p)
			continue
		}
		seen[name] = stands.line
		if blank(pair.Value) {
			continue // as everywhere: a value left out
		}
		r.places[at] = placeOf(start(pair.Value))
		one := reflect.New(f.typ.Elem()).Elem()
		r.scalar(f, pair.Value, at, one)
		all.SetMapIndex(reflect.ValueOf(name), one)
	}
	into.Set(all)
}

// scalar is one value. Faults show raw and never text: a variable of the
// environment may hold a secret.
type scalar struct {
	raw  string // as it stands in the file
	text string // with every ${NAME} filled in
	form form
}

// form is what YAML takes a plain value for.
type form int

const (
	letters form = 1 << iota
	whole
	decimal
	truth
)

// scalar reads one value into a field.
func (r *reader) scalar(f field, n ast.Node, path string, into reflect.Value) {
	v, p := r.value(n)
	switch {
	case p == nil:
		p = f.set(v, into)
	case p.key == "":
		p = f.misfit()
	case p.key == "config.env.absent" && f.is == "proxy":
		into.Set(reflect.ValueOf(NewSecret(""))) // given and later, like any secret
		r.later = append(r.later, r.at(path, p))
		return
	}
	if p != nil {
		r.fault(path, p)
	}
}

// errForm is a node that is no scalar: the kind says what it wants instead.
func errForm() *problem { return &problem{} }

// value reads a node as a scalar and fills the environment in.
func (r *reader) value(n ast.Node) (scalar, *problem) {
	var v scalar
	switch s := n.(type) {
	case *ast.StringNode:
		v = scalar{raw: s.Value, text: s.Value, form: letters}
	case *ast.IntegerNode:
		v = scalar{text: fmt.Sprint(s.Value), form: whole}
	case *ast.FloatNode:
		v = scalar{text: s.Token.Value, form: decimal}
	case *ast.BoolNode:
		v = scalar{text: fmt.Sprint(s.Value), form: truth}
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		return v, wrong("anchor", nil)
	default:
		return v, errForm()
	}
	if v.form != letters {
		v.raw = v.text
		return v, nil
	}
	text, absent := r.expand(v.raw)
	switch {
	case absent != "":
		return v, wrong("env.absent", map[string]any{"Name": absent})
	case text == v.raw && strings.Contains(text, "${"):
		return v, wrong("env.form", nil)
	}
	v.text = text
	return v, nil
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand fills every ${NAME} in; absent is the first that is not set or empty.
func (r *reader) expand(raw string) (text, absent string) {
	text = reference.ReplaceAllStringFunc(raw, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, _ := r.env(name)
		if value == "" && absent == "" {
			absent = name
		}
		return value
	})
	return text, absent
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// parent is the section around a path: panels[0].name, panels[0], panels, "".
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
