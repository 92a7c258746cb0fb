package config

import (
	"reflect"
	"strings"

	"domovoy/i18n"
)

// field is one key of a section, as its struct tags say.
type field struct {
	key, is, shape string
	fallback       string // the default, as it would stand in the file
	least, most    string // of a number or a duration; may be empty
	sample         string // a key of a table
	title          string
	words          []string // the allowed ones; nil is any
	need           bool
	index          []int
	typ            reflect.Type
}

// fieldsOf is the field table of a section, embedded structs laid flat.
func fieldsOf(section reflect.Type) []field {
	var all []field
	for i := range section.NumField() {
		f := section.Field(i)
		if f.Anonymous {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				all = append(all, inner)
			}
			continue
		}
		key, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		all = append(all, field{
			key: key, is: f.Tag.Get("is"), shape: f.Tag.Get("shape"),
			fallback: f.Tag.Get("default"), least: f.Tag.Get("min"), most: f.Tag.Get("max"),
			sample: f.Tag.Get("sample"), title: f.Tag.Get("title"),
			words: allowed(f.Tag.Get("enum")), need: f.Tag.Get("need") != "",
			index: f.Index, typ: f.Type,
		})
	}
	return all
}

// allowed gives the words of an enum tag.
func allowed(enum string) []string {
	if enum == "languages" {
		return i18n.Languages()
	}
	return strings.Fields(enum)
}

// keys are the names of the field in the file: a secret has two.
func (f field) keys() []string {
	if f.is == "secret" {
		return []string{f.key, f.file()}
	}
	return []string{f.key}
}

// file is the key that names the file of a secret.
func (f field) file() string { return f.key + "_file" }

// section tells that the value has keys of its own.
func (f field) section() bool { return f.is == "" && f.typ.Kind() == reflect.Struct }

// list tells that the value is many, of scalars or of sections.
func (f field) list() bool { return f.typ.Kind() == reflect.Slice }

// table tells that the value is many scalars by name.
func (f field) table() bool { return f.typ.Kind() == reflect.Map }

func keysOf(fields []field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.keys()...)
	}
	return all
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
