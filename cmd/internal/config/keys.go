package config

import "reflect"

// Key is a key of the file, for a description of all of them.
type Key struct {
	Path     string // thresholds.failed.critical; of an item of a list panels[].name
	Default  string // as it would be written in the file; empty: none
	Words    []string
	Required bool
	Section  bool // it has keys of its own, which follow
	title    string
}

// Title says what the key is.
func (k Key) Title(language string) string { return k.title }

// Keys returns all keys in the order of the sections, those of a secret as two.
func Keys() []Key { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(section reflect.Type, around string) []Key {
	var all []Key
	for _, f := range fieldsOf(section) {
		for _, name := range f.keys() {
			path := join(around, name)
			k := Key{Path: path, title: f.title, Default: f.fallback, Words: f.words, Required: f.need, Section: f.is == ""}
			all = append(all, k)
		}
		inner := f.typ
		if f.list() || f.table() {
			inner = f.typ.Elem()
		}
		if f.is == "" {
			path := join(around, f.key)
			if f.list() {
				path += "[]"
			}
			all = append(all, keysOf(inner, path)...)
		}
	}
	return all
}
