package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

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

// set puts a value into a field, if it is what the field wants.
func (f field) set(v scalar, into reflect.Value) *problem {
	k := kinds(f.is)
	if v.form&k.takes == 0 {
		return f.misfit()
	}
	value, p := k.read(f, v)
	if p != nil {
		return p
	}
	into.Set(reflect.ValueOf(value).Convert(f.typeOfOne()))
	return nil
}

// misfit is a value of another form: a number for a text, a list for a number.
func (f field) misfit() *problem {
	if kinds(f.is).takes == letters && f.is != "duration" {
		return wrong("text", f.args(scalar{})).try(f.is)
	}
	return wrong(f.is, f.args(scalar{}))
}

// args are what every message about a value may name.
func (f field) args(v scalar) map[string]any {
	return map[string]any{"Value": shown(v.raw), "Known": f.words, "Least": f.least, "Most": f.most}
}

// typeOfOne is the type of a value, or of one item of a list or a table.
func (f field) typeOfOne() reflect.Type {
	if f.list() || f.table() {
		return f.typ.Elem()
	}
	return f.typ
}

// fill puts the default in. Defaults are ours: a wrong one is found by the
// tests, which read them all.
func fill(f field, into reflect.Value) {
	if f.fallback == "" {
		return
	}
	if !f.list() {
		_ = f.set(scalar{text: f.fallback, raw: f.fallback, form: kinds(f.is).takes}, into)
		return
	}
	words := strings.Fields(f.fallback)
	all := reflect.MakeSlice(f.typ, len(words), len(words))
	for i, word := range words {
		_ = f.set(scalar{text: word, raw: word, form: letters}, all.Index(i))
	}
	into.Set(all)
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
