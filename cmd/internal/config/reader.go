package config

import (
	"fmt"
	"reflect"
	"slices"

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

// unknown is a key that is not one, with the one that was probably meant.
func unknown(key string, known []string) *problem {
	args := map[string]any{"Name": shown(key), "Known": known}
	if near := similar(key, known); near != "" {
		args["Near"] = near
		return wrong("unknown", args).try("similar")
	}
	return wrong("unknown", args)
}

// blank is a value left out: `key:` or `key: ""`.
func blank(n ast.Node) bool {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.StringNode:
		return v.Value == ""
	}
	return false
}
