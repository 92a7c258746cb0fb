package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Env looks up a variable of the environment, as os.LookupEnv does.
type Env func(name string) (string, bool)

// reader copies the nodes of a file into the fields of a Config. It continues
// after a fault.
type reader struct {
	file      string
	env       Env
	faults    Faults
	runFaults Faults           // for CheckRun
	places    map[string]place // of every value in the file, by path

	secretFiles []string // those that were named, whether they could be read or not
}

// fault adds a fault at a path. A path that the file does not have gets the place
// of the nearest section around it.
func (r *reader) fault(path string, p *problem) { r.faults = append(r.faults, r.at(path, p)) }

func (r *reader) at(path string, p *problem) Fault {
	where, ok := r.places[path]
	for around := path; !ok && around != ""; where, ok = r.places[around] {
		around = parent(around)
	}
	return p.at(r.file, where, path)
}

// section reads a mapping. The node is nil if the file has no such section; its
// keys get their defaults then.
func (r *reader) section(n ast.Node, path string, into reflect.Value) {
	fields := fieldsOf(into.Type())
	nodes, ok := r.entries(n, path, fields)
	for _, f := range fields {
		f.need = f.need && ok // no further faults of a node that is not a section
		r.field(f, nodes, path, into.FieldByIndex(f.index))
	}
}

// field reads a key of a section, whose nodes are given by key.
func (r *reader) field(f field, nodes map[string]ast.Node, path string, into reflect.Value) {
	n, at := nodes[f.key], join(path, f.key)
	switch {
	case f.is == "secret":
		r.secret(f, nodes, path, into)
	case f.section():
		r.section(n, at, into)
	case n == nil && f.need:
		r.fault(at, wrong("needed", map[string]any{"Key": f.key}))
	case n == nil:
		fill(f, into)
	case f.list():
		r.list(f, n, at, into)
	case f.table():
		r.table(f, n, at, into)
	default:
		r.scalar(f, n, at, into)
	}
}

// list reads a sequence of sections or of scalars.
func (r *reader) list(f field, n ast.Node, path string, into reflect.Value) {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		p := wrong("list", map[string]any{"Key": f.key})
		if f.is == "" {
			p = p.withHint("list.sections")
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

// entries returns the nodes of a section by key, without blank ones; ok is false
// if the node is not a section.
func (r *reader) entries(n ast.Node, path string, fields []field) (nodes map[string]ast.Node, ok bool) {
	nodes = map[string]ast.Node{}
	first, known := fields[0].keys(), []string(nil)
	for _, f := range fields {
		known = append(known, f.keys()...)
	}
	pairs, p := pairsOf(n, first[len(first)-1])
	if p != nil {
		r.fault(path, p)
		return nodes, false
	}
	seen := map[string]bool{}
	for _, v := range pairs {
		r.entry(v, path, known, seen, nodes)
	}
	return nodes, true
}

// entry checks a key of a section and adds its node to nodes.
func (r *reader) entry(v *ast.MappingValueNode, path string, known []string, seen map[string]bool, nodes map[string]ast.Node) {
	key := v.Key.GetToken().Value
	at, where := join(path, printable(key)), placeOf(v.Key.GetToken())
	var p *problem
	switch {
	case unsupported(v.Key):
		p = wrong("anchor", nil)
	case !slices.Contains(known, key):
		p = unknown(key, known)
	case seen[key]:
		p = wrong("twice", map[string]any{"Key": key, "Line": r.places[at].line})
	}
	if p != nil {
		r.faults = append(r.faults, p.at(r.file, where, at)) // not where the first of two keys is
		return
	}
	seen[key], where.blank = true, true
	r.places[at] = where
	if !blank(v.Value) {
		r.places[at] = placeOf(start(v.Value))
		nodes[key] = v.Value
	}
}

// table reads a section whose keys are top-level domains.
func (r *reader) table(f field, n ast.Node, path string, into reflect.Value) {
	pairs, p := pairsOf(n, f.sample)
	if p != nil {
		r.fault(path, p)
		return
	}
	all, seen := reflect.MakeMap(f.typ), map[string]int{}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		at, where := join(path, printable(key)), placeOf(pair.Key.GetToken())
		r.places[at] = where
		name, p := readTLD(key)
		switch {
		case unsupported(pair.Key):
			p = wrong("anchor", nil)
		case p == nil && seen[name] != 0: // RU is ru, and рф is xn--p1ai
			p = wrong("twice", map[string]any{"Key": printable(key), "Line": seen[name]})
		}
		if p != nil {
			r.fault(at, p)
			continue
		}
		seen[name] = where.line
		if blank(pair.Value) {
			continue // blank means absent, as for any key
		}
		r.places[at] = placeOf(start(pair.Value))
		one := reflect.New(f.typ.Elem()).Elem()
		r.scalar(f, pair.Value, at, one)
		all.SetMapIndex(reflect.ValueOf(name), one)
	}
	into.Set(all)
}

// scalar is a single value. Faults contain raw and never text, because a variable
// of the environment may hold a secret.
type scalar struct {
	raw  string // as it is in the file
	text string // with the values of all ${NAME}
	form form
}

// form is the YAML type of a plain value; the forms that a kind takes are or-ed.
type form int

const (
	letters form = 1 << iota
	whole
	decimal
	truth
)

// scalar reads a single value into a field.
func (r *reader) scalar(f field, n ast.Node, path string, into reflect.Value) {
	v, p := r.value(n)
	switch {
	case p == nil:
		p = f.set(v, into)
	case p.key == "":
		p = f.wrongForm()
	case p.key == "config.env.absent" && f.is == "proxy":
		into.Set(reflect.ValueOf(NewSecret(""))) // set, so that nothing goes past the proxy
		r.runFaults = append(r.runFaults, r.at(path, p))
		return
	}
	if p != nil {
		r.fault(path, p)
	}
}

// notScalar stands for a node that is not a scalar. It has no key: the field's
// kind says what it expects.
func notScalar() *problem { return &problem{} }

// value reads a node as a scalar and expands references to the environment.
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
		return v, notScalar()
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

// expand replaces each ${NAME} with its value; absent is the first name that is
// not set or empty.
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

// parent returns the path around a path: panels[0].name, panels[0], panels, "".
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
