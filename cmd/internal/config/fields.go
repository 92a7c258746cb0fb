package config

import (
	"reflect"
	"strings"
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
			words: strings.Fields(f.Tag.Get("enum")), need: f.Tag.Get("need") != "",
			index: f.Index, typ: f.Type,
		})
	}
	return all
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
